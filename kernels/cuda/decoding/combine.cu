// The results of the splits of each row and head, added in order.
//
// Plan. One warp per (n, h). Lane s has the maximum and the sum of split s, and from them the weight of its values. The lanes then
// share the channels, four each. Only the splits of the row's interval were written.
#include "kernels/cuda/decoding/decoding.h"

namespace gradus::DEVICE {

namespace {

constexpr int loads_at_once = 8;  // of a thread: there are few rows, and each waits for memory

template <class Scalar>
__global__ void combine_kernel(HeadRows<Scalar> y, Splits splits, RowPlaces rows, int64_t H, int D) {
    const int64_t n = row() / H, h = row() % H;
    if (n >= rows.N) return;
    const int lane = int(threadIdx.x), lo = rows.lo[n], position = rows.position[n];
    const int first = lo / splits.keys, last = lo <= position ? position / splits.keys : -1;
    const int64_t result = splits.index(n, h, H, 0);
    const bool mine = first <= lane && lane <= last;
    const float max = mine ? splits.statistics[2 * (result + lane)] : -infinity, top = warp_max(max);
    const float weight = top == -infinity ? 0.f : exp2f(max - top);
    const float sum = warp_sum(mine ? weight * splits.statistics[2 * (result + lane) + 1] : 0.f);
    for (int base = 0; base < D; base += 4 * warp) {
        const int d = base + 4 * lane;
        Pack<float> all = {};
        for (int split = first; split <= last; split += loads_at_once) {
            Pack<float> values[loads_at_once];
#pragma unroll
            for (int j = 0; j < loads_at_once; ++j)
                if (d < D && split + j <= last) values[j] = load_pack(splits.values + (result + split + j) * D + d);
#pragma unroll
            for (int j = 0; j < loads_at_once; ++j) {
                const float share = __shfl_sync(all_lanes, weight, (split + j) % warp);
                if (d >= D || split + j > last) continue;
#pragma unroll
                for (int e = 0; e < 4; ++e) all[e] += share * values[j][e];
            }
        }
        if (d >= D) continue;
        Four<Scalar> rounded;
        for (int e = 0; e < 4; ++e) rounded.values[e] = Scalar(sum == 0 ? 0.f : all[e] / sum);
        *reinterpret_cast<Four<Scalar>*>(y.at(0, n, h) + d) = rounded;
    }
}

}  // namespace

void combine_splits(const AttentionCached& a, const Splits& splits, Stream s) {
    if (splits.count == 1) return;
    const RowPlaces rows = places_of(a);
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows(combine_kernel<Scalar>, int64_t(rows.N) * a.H, s, heads_of<Scalar>(a.y, rows.N, a.D), splits, rows,
                    int64_t(a.H), a.D);
    });
}

}  // namespace gradus::DEVICE
