// The second stage of sums over rows: column_sums.h.
//
// Plan. One block per 32 columns of [splits, most_sums·C]. Its row lanes take turns with the splits; their sums are added in order.
#include "kernels/cuda/column_sums.h"

namespace gradus::DEVICE {

namespace {

__global__ void add_partials_kernel(ColumnTotals totals, int64_t C) {
    SHARED(float, parts, [row_lanes][warp]);
    const int64_t i = column(), s = i / C;
    float* const total = s < most_sums ? totals.of(s) : nullptr;
    float sum = 0;
    if (total)
#pragma unroll 4
        for (int k = int(threadIdx.y); k < totals.splits; k += row_lanes) sum += totals.partials[k * most_sums * C + i];
    sum = column_sum(sum, parts);
    if (threadIdx.y == 0 && total) total[totals.column_at(i % C, C)] += sum;
}

}  // namespace

void add_partials(const ColumnTotals& totals, int64_t C, Stream s) {
    if (totals.splits > 1) launch_columns(add_partials_kernel, totals.total[1] ? most_sums * C : C, s, totals, C);
}

}  // namespace gradus::DEVICE
