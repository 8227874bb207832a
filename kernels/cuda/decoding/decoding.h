#pragma once
// Attention with a cache: the parts that its kernels share. kernels/attention.h has the formulas, docs/kernels/decoding.md the idea.
//
// Splits. The positions of the cache are cut into splits of `keys` each, and a block has one split of one key head: for one row
// there would otherwise be G blocks on a whole GPU. Each block's softmax is relative to its own largest score; combine.cu adds the
// blocks' results in the order of the splits. The number of splits depends only on shapes (and on the workspace, which must hold the
// results), so the bits are the same on every GPU.
#include "kernels/attention.h"
#include "kernels/cuda/common.h"

namespace gradus::DEVICE {

// A cache [S,G,P,D].
template <class Scalar>
struct Cache {
    Scalar *k, *v;
    int64_t S, G, P, D;

    // The index of position u of head g of a sequence.
    __device__ int64_t slot(int64_t sequence, int64_t g, int64_t u) const { return ((sequence * G + g) * P + u) * D; }
};
template <class Scalar>
Cache<Scalar> cache_of(const AttentionCached& a) {
    return {a.k_cache.as<Scalar>(), a.v_cache.as<Scalar>(), a.k_cache.shape.dim[0], a.G, a.k_cache.shape.dim[2], a.D};
}

struct RowPlaces {
    const int32_t *sequence, *position, *lo;
    int N;
};
inline RowPlaces places_of(const AttentionCached& a) {
    return {a.sequence.as<int32_t>(), a.position.as<int32_t>(), a.lo.as<int32_t>(), int(a.q.rows())};
}

// ---- splits ----------------------------------------------------------------------------------------------------------

constexpr int most_splits = warp;  // combine.cu has one per lane
constexpr int least_keys = 128;    // per split
constexpr int wanted_blocks = 2048;

// A result of a split: max (of the scores, in base 2) and sum of exp2(score − max), and the sum of the values with these weights.
struct Splits {
    int keys, count;
    float* values;      // [N,H,count,D]        unused if count is 1
    float* statistics;  // [N,H,count,2]        max, sum

    __device__ int64_t index(int64_t n, int64_t h, int64_t H, int split) const { return (n * H + h) * count + split; }
};

inline Splits splits_of(const AttentionCached& a, Stream s) {
    const int64_t N = a.q.rows(), P = a.k_cache.shape.dim[2], rows = N * a.H;
    const auto up = [](int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; };
    const int64_t wanted =
        std::max({up(P, most_splits) / most_splits, N * a.G * P / wanted_blocks, int64_t(least_keys)});
    for (int64_t keys = up(wanted, 64); keys < P; keys *= 2) {
        const int64_t count = (P + keys - 1) / keys, results = rows * count;
        if (size_t(results * (a.D + 2)) * sizeof(float) > s.workspace_bytes) continue;
        auto* const values = static_cast<float*>(s.workspace);
        return {int(keys), int(count), values, values + results * a.D};
    }
    return {int(P), 1, nullptr, nullptr};
}

// ---- the end of a block ----------------------------------------------------------------------------------------------

constexpr int decoding_warps = 4;

// What each warp of a block found for `vectors` query vectors, in shared memory.
template <int vectors>
struct WarpResults {
    const float* values;  // of vector m of warp w: values + w · warp_stride + m · stride
    int warp_stride, stride;
    const float (*statistics)[vectors][2];  // [warps]
};

struct VectorPlace {
    int64_t n, h;
};

// For accesses of two and four elements.
struct Two {
    float first, second;
};
template <class Scalar>
struct alignas(4 * sizeof(Scalar)) Four {
    Scalar values[4];
};

// Adds the results of the warps, in order, and writes y, or the result of the split. By the whole block, after a barrier.
template <class Scalar, int vectors, class Place>
__device__ void finish(HeadRows<Scalar> y, const Splits& splits, int split, int64_t H,
                       const WarpResults<vectors>& found, int count, int D, Place place) {
    for (int i = int(threadIdx.x); i < count * (D / 4); i += decoding_warps * warp) {
        const int m = i / (D / 4), d = i % (D / 4) * 4;
        float max = -infinity, sum = 0;
        for (int w = 0; w < decoding_warps; ++w) max = fmaxf(max, found.statistics[w][m][0]);
        Pack<float> all = {};
        for (int w = 0; w < decoding_warps; ++w) {
            const float weight = max == -infinity ? 0.f : exp2f(found.statistics[w][m][0] - max);
            const Pack<float> values = load_pack(found.values + w * found.warp_stride + m * found.stride + d);
            sum += weight * found.statistics[w][m][1];
            for (int e = 0; e < 4; ++e) all[e] += weight * values[e];
        }
        const VectorPlace at = place(m);
        if (splits.count == 1) {
            Four<Scalar> rounded;
            for (int e = 0; e < 4; ++e) rounded.values[e] = Scalar(sum == 0 ? 0.f : all[e] / sum);
            *reinterpret_cast<Four<Scalar>*>(y.at(0, at.n, at.h) + d) = rounded;
            continue;
        }
        const int64_t result = splits.index(at.n, at.h, H, split);
        store_pack(splits.values + result * D + d, all);
        if (d == 0) {
            splits.statistics[2 * result] = max;
            splits.statistics[2 * result + 1] = sum;
        }
    }
}

// ---- the kernels -----------------------------------------------------------------------------------------------------

// Writes the keys and values of the rows to their slots.
void write_cache(const AttentionCached&, Stream);
// Adds the results of the splits, if there are several.
void combine_splits(const AttentionCached&, const Splits&, Stream);

void attention_cached_tiles(const AttentionCached&, Stream);           // bf16, on tensor cores
void attention_prompt(const AttentionCached&, const Splits&, Stream);  // its long segments: rows.h
void attention_cached_packs(const AttentionCached&, Stream);           // f32
void attention_cached_any_width(const AttentionCached&, Stream);       // any head width, alignment and dtype

}  // namespace gradus::DEVICE
