// Attention with a cache in f32. The formulas are in kernels/attention.h.
//
// Plan. A block has one split of the keys of one key head, for one row and up to four query heads of the group. Eight lanes share a
// key: each has every eighth 16 bytes of its channels, of the queries too, and adds its part of y in registers. So a warp reads
// four keys at a time, and takes as many of these in a step as registers allow, so that enough loads are on the way. The softmax
// is that of the eight lanes: they need no other's results until the end, when the lane groups of a warp, and then the warps, are
// added in order.
#include "kernels/cuda/attention/operands.h"
#include "kernels/cuda/decoding/decoding.h"

namespace gradus::DEVICE {

namespace {

constexpr int key_lanes = 8, warp_keys = warp / key_lanes;
constexpr int pack = Pack<float>::size;

template <int head_width>
struct PackShape {
    static constexpr int width = head_width;
    static constexpr int heads = 256 / width;
    static constexpr int steps = width <= 128 ? 4 : 2;  // keys of a lane at a time
    static constexpr int packs = width / (pack * key_lanes);
};

// The packs of one row that belong to this lane; zeros for channels from D on, and if the row is not valid.
template <int packs>
__device__ void load_own(Pack<float> (&x)[packs], const float* row, bool valid, int D) {
#pragma unroll
    for (int j = 0; j < packs; ++j) {
        const int d = (int(threadIdx.x) % key_lanes + j * key_lanes) * pack;
        x[j] = valid && d < D ? load_pack(row + d) : Pack<float>{};
    }
}

template <int packs>
__device__ float dot_of_lanes(const Pack<float> (&a)[packs], const Pack<float> (&b)[packs]) {
    float sum = 0;
#pragma unroll
    for (int j = 0; j < packs; ++j)
        for (int e = 0; e < pack; ++e) sum += a[j][e] * b[j][e];
    for (int step = key_lanes / 2; step > 0; step /= 2) sum += __shfl_xor_sync(all_lanes, sum, step);
    return sum;
}

// One query head, in the eight lanes that share keys.
template <int packs>
struct HeadState {
    Pack<float> q[packs], y[packs];
    float max, sum;  // max in base 2
};

// Adds the states of the warp's lane groups; the first of them has the result.
template <int packs>
__device__ void add_lane_groups(HeadState<packs>& state) {
    float max = state.max;
    for (int step = key_lanes; step < warp; step *= 2) max = fmaxf(max, __shfl_xor_sync(all_lanes, max, step));
    const float weight = max == -infinity ? 0.f : exp2f(state.max - max);
    state.max = max;
    const auto total = [&](float x) {
        x *= weight;
        for (int step = key_lanes; step < warp; step *= 2) x += __shfl_xor_sync(all_lanes, x, step);
        return x;
    };
    state.sum = total(state.sum);
#pragma unroll
    for (int j = 0; j < packs; ++j)
        for (int e = 0; e < pack; ++e) state.y[j][e] = total(state.y[j][e]);
}

// Grid: (row, key head and part of its group, split).
template <class Shape, class Score>
__global__ void __launch_bounds__(decoding_warps* warp, 2)
    attention_cached_kernel(HeadRows<float> y, Splits splits, Cache<const float> cache, HeadRows<const float> q,
                            RowPlaces rows, int H, float scale, Score score) {
    constexpr int width = Shape::width, steps = Shape::steps, packs = Shape::packs;
    SHARED(float, results, [decoding_warps][Shape::heads][width]);
    SHARED(float, statistics, [decoding_warps][Shape::heads][2]);
    const int group = H / int(cache.G), parts = (group + Shape::heads - 1) / Shape::heads, D = int(cache.D);
    const int n = int(blockIdx.x), g = int(blockIdx.y) / parts, part = int(blockIdx.y) % parts, split = int(blockIdx.z);
    const int count = min(group - part * Shape::heads, Shape::heads), first_head = g * group + part * Shape::heads;
    const int sequence = rows.sequence[n], position = rows.position[n], lo = rows.lo[n];
    device_check(lo >= 0);
    const int first_key = max(lo, split * splits.keys), end_key = min(position + 1, (split + 1) * splits.keys);
    if (splits.count > 1 && first_key >= end_key) return;

    HeadState<packs> state[Shape::heads];
#pragma unroll
    for (int m = 0; m < Shape::heads; ++m) {
        load_own(state[m].q, q.at(0, n, m < count ? first_head + m : first_head), m < count, D);
        for (int j = 0; j < packs; ++j) state[m].y[j] = {};
        state[m].max = -infinity;
        state[m].sum = 0;
    }
    const int w = int(threadIdx.x) / warp, group_of_lane = int(threadIdx.x) % warp / key_lanes;
    const float *const keys = cache.k + cache.slot(sequence, g, 0), *const values =
                                                                        cache.v + cache.slot(sequence, g, 0);
    for (int base = first_key + w * warp_keys * steps; base < end_key; base += decoding_warps * warp_keys * steps) {
        const int first = base + group_of_lane;
        Pack<float> k[steps][packs], v[steps][packs];
#pragma unroll
        for (int i = 0; i < steps; ++i) {
            const int u = first + i * warp_keys;
            load_own(k[i], keys + int64_t(u) * D, u < end_key, D);
        }
#pragma unroll
        for (int i = 0; i < steps; ++i) {
            const int u = first + i * warp_keys;
            load_own(v[i], values + int64_t(u) * D, u < end_key, D);
        }
#pragma unroll
        for (int m = 0; m < Shape::heads; ++m) {
            HeadState<packs>& of = state[m];
            const QueryScore<Score> of_query(score, sequence, first_head + min(m, count - 1), position);
            float s[steps], max = of.max;
#pragma unroll
            for (int i = 0; i < steps; ++i) {
                const int u = first + i * warp_keys;
                const float x = of_query(scale * dot_of_lanes(of.q, k[i]), u) * log2_of_e;
                s[i] = u < end_key ? x : -infinity;
                max = fmaxf(max, s[i]);
            }
            const float shift = max == -infinity ? 0.f : max, rescale = exp2f(of.max - shift);
            of.max = max;
            of.sum *= rescale;
#pragma unroll
            for (int j = 0; j < packs; ++j)
                for (int e = 0; e < pack; ++e) of.y[j][e] *= rescale;
#pragma unroll
            for (int i = 0; i < steps; ++i) {
                const float p = exp2f(s[i] - shift);
                of.sum += p;
#pragma unroll
                for (int j = 0; j < packs; ++j)
                    for (int e = 0; e < pack; ++e) of.y[j][e] += p * v[i][j][e];
            }
        }
    }

#pragma unroll
    for (int m = 0; m < Shape::heads; ++m) {
        add_lane_groups(state[m]);
        if (group_of_lane > 0) continue;
#pragma unroll
        for (int j = 0; j < packs; ++j)
            store_pack(&results[w][m][(int(threadIdx.x) % key_lanes + j * key_lanes) * pack], state[m].y[j]);
        if (threadIdx.x % warp == 0) {
            statistics[w][m][0] = state[m].max;
            statistics[w][m][1] = state[m].sum;
        }
    }
    __syncthreads();
    const WarpResults<Shape::heads> found = {&results[0][0][0], Shape::heads * width, width, statistics};
    finish(y, splits, split, H, found, count, D, [&](int m) { return VectorPlace{n, first_head + m}; });
}

}  // namespace

void attention_cached_packs(const AttentionCached& a, Stream s) {
    const Splits splits = splits_of(a, s);
    const RowPlaces rows = places_of(a);
    const auto run = [&](auto width) {
        using Shape = PackShape<width>;
        const int group = a.H / a.G, parts = (group + Shape::heads - 1) / Shape::heads;
        const dim3 grid(unsigned(rows.N), unsigned(a.G * parts), unsigned(splits.count));
        by_score(a.score, [&](auto score) {
            launch(attention_cached_kernel<Shape, decltype(score)>, grid, dim3(decoding_warps * warp), 0, s,
                   heads_of<float>(a.y, rows.N, a.D), splits, cache_of<const float>(a),
                   heads_of<const float>(a.q, rows.N, a.D), rows, a.H, float(a.scale), score);
        });
    };
    if (a.D <= 64) run(std::integral_constant<int, 64>{});
    else if (a.D <= 128) run(std::integral_constant<int, 128>{});
    else run(std::integral_constant<int, 256>{});
    combine_splits(a, splits, s);
}

}  // namespace gradus::DEVICE
