// Attention forward, third rung: tiles of keys and values in shared memory.
//
// Plan. A block of four warps has 16 queries, four per warp. It copies 32 keys and values to shared memory as f32; then every warp
// computes its queries against them, one after the other:
//   scores    a lane per key, without communication; then one maximum and one sum over the lanes for 32 keys, not one sum per key
//   y         a lane per channel; p of each key is broadcast by a shuffle
// So a key that is read from global memory serves 16 queries. Rows in shared memory are one element longer than D: lanes with
// neighbouring keys, and lanes with neighbouring channels, are in different banks.
#include "kernels/cuda/attention.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/ladder/attention/rungs.h"

namespace gradus::DEVICE {

namespace {

constexpr int warps = 4, warp_queries = 4, queries = warps * warp_queries, keys = warp;
constexpr int widest = 128;

template <class Scalar, class Score>
__global__ void shared_tiles_kernel(HeadRows<Scalar> y, float* lse, HeadRows<const Scalar> q, HeadRows<const Scalar> k,
                                    HeadRows<const Scalar> v, const int32_t* lo, const int32_t* hi, HeadSizes of,
                                    float scale, Score score) {
    DYNAMIC_SHARED(float, shared);
    const int D = int(of.D), row = D + 1, lane = int(threadIdx.x);
    float *const k_rows = shared, *const v_rows = k_rows + keys * row, *const q_rows = v_rows + keys * row,
                 *const sums = q_rows + queries * row;
    const int64_t tiles = (of.Tq + queries - 1) / queries;
    const auto [b, h, tile] = row_index(blockIdx.x, of.H, tiles);
    const int64_t g = of.group(h), first = tile * queries, end = min(first + queries, of.Tq);

    for (int i = int(threadIdx.y) * warp + lane; i < queries * D; i += warps * warp) {
        const int r = i / D, d = i % D;
        q_rows[r * row + d] = first + r < end ? float(q.at(b, first + r, h)[d]) : 0.f;
        sums[r * row + d] = 0;
    }
    float max[warp_queries], sum_exp[warp_queries];
    for (int r = 0; r < warp_queries; ++r) max[r] = std::numeric_limits<float>::lowest(), sum_exp[r] = 0;

    const int64_t first_key = lo[b * of.Tq + first], end_key = hi[b * of.Tq + end - 1];
    for (int64_t tile_key = first_key; tile_key < end_key; tile_key += keys) {
        __syncthreads();  // all warps are done with the tile before
        for (int i = int(threadIdx.y) * warp + lane; i < keys * D; i += warps * warp) {
            const int r = i / D, d = i % D;
            const bool inside = tile_key + r < end_key;
            k_rows[r * row + d] = inside ? float(k.at(b, tile_key + r, g)[d]) : 0.f;
            v_rows[r * row + d] = inside ? float(v.at(b, tile_key + r, g)[d]) : 0.f;
        }
        __syncthreads();
#pragma unroll
        for (int r = 0; r < warp_queries; ++r) {
            const int mine = int(threadIdx.y) * warp_queries + r;
            const int64_t t = first + mine, u = tile_key + lane;
            if (t >= end) continue;
            float s = 0;
            for (int d = 0; d < D; ++d) s += q_rows[mine * row + d] * k_rows[lane * row + d];
            const auto [seen, unseen] = interval_of(lo, hi, b, t, of);
            const bool visible = seen <= u && u < unseen;
            s = visible ? QueryScore<Score>{score, b, h, t}(scale * s, u) : -infinity;
            const float higher = fmaxf(max[r], warp_max(s)), rescale = expf(max[r] - higher);
            const float p = visible ? expf(s - higher) : 0.f;
            max[r] = higher;
            sum_exp[r] = sum_exp[r] * rescale + warp_sum(p);
            for (int first_channel = 0; first_channel < D; first_channel += warp) {
                const int d = first_channel + lane;
                float sum = d < D ? sums[mine * row + d] * rescale : 0.f;
                for (int i = 0; i < keys; ++i) {
                    const float factor = __shfl_sync(all_lanes, p, i);
                    if (d < D) sum += factor * v_rows[i * row + d];
                }
                if (d < D) sums[mine * row + d] = sum;
            }
        }
    }

    if (first_key >= end_key) __syncthreads();  // the sums are the zeros that other threads wrote
    for (int r = 0; r < warp_queries; ++r) {
        const int mine = int(threadIdx.y) * warp_queries + r;
        const int64_t t = first + mine;
        if (t >= end) continue;
        for (int d = lane; d < D; d += warp)
            y.at(b, t, h)[d] = Scalar(sum_exp[r] == 0 ? 0.f : sums[mine * row + d] / sum_exp[r]);
        if (lane == 0) lse[(b * of.H + h) * of.Tq + t] = max[r] + logf(sum_exp[r]);
    }
}

}  // namespace

void attention_shared_tiles(const AttentionForward& a, Stream s) {
    if (a.D > widest) return attention_forward(a, s);
    if (a.lse.size() == 0) return;
    const int64_t tiles = (a.Tq + queries - 1) / queries;
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        by_score(a.score, [&](auto score) {
            launch(shared_tiles_kernel<Scalar, decltype(score)>, blocks_for(tiles * a.B * a.H, 1), dim3(warp, warps),
                   size_t(2 * (keys + queries) * (a.D + 1)) * sizeof(float), s, heads_of<Scalar>(a.y, a.Tq, a.D),
                   a.lse.as<float>(), heads_of<const Scalar>(a.q, a.Tq, a.D), heads_of<const Scalar>(a.k, a.Tk, a.D),
                   heads_of<const Scalar>(a.v, a.Tk, a.D), a.lo.as<int32_t>(), a.hi.as<int32_t>(),
                   HeadSizes{a.B, a.Tq, a.Tk, a.H, a.G, a.D}, float(a.scale), score);
        });
    });
}

}  // namespace gradus::DEVICE
