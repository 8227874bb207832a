// The second kernel of a matmul whose k is split over blocks: adds the sums of the splits, in order, and finishes c.
//
// Plan. One thread for each 16 bytes of c, rows padded to a multiple of them.
#include "kernels/cuda/matmul/task.h"

namespace gradus::DEVICE {

namespace {

template <class Result, MatmulEnd end>
__global__ void split_sums_kernel(MatmulTask task) {
    constexpr int width = Pack<Result>::size;
    const int64_t stride = sums_stride(task.N), packs = stride / width, i = element();
    const int64_t m = i / packs, n = i % packs * width;
    if (m >= task.M || n >= task.N) return;
    float values[width] = {};
    for (int split = 0; split < task.splits; ++split) {
        const float* const sums = task.sums + (int64_t(split) * task.M + m) * stride + n;
#pragma unroll
        for (int k = 0; k < width; k += 4) {
            const Pack<float> some = load_pack(sums + k);
#pragma unroll
            for (int l = 0; l < 4; ++l) values[k + l] += some[l];
        }
    }
    finish<Result, end>(task, values, int(m), int(n));
}

}  // namespace

void add_splits(const MatmulTask& task, const Matmul& p, Stream s) {
    by_dtype(p.c.dtype, [&](auto kind) {
        using Result = decltype(kind);
        const int64_t packs = task.M * (sums_stride(task.N) / Pack<Result>::size);
        const auto run = [&](auto* kernel) { launch_elements(kernel, packs, s, task); };
        switch (p.end) {
            case MatmulEnd::plain: return run(split_sums_kernel<Result, MatmulEnd::plain>);
            case MatmulEnd::activate: return run(split_sums_kernel<Result, MatmulEnd::activate>);
            case MatmulEnd::derive: return run(split_sums_kernel<Result, MatmulEnd::derive>);
        }
    });
}

}  // namespace gradus::DEVICE
