// Naive: one thread per element of y, which computes its sum.
//
// Neighbouring threads have neighbouring rows n, so in each step a warp reads 32 rows of x, I elements apart: 32 sectors of 32 bytes
// for 32 numbers.
#include "kernels/cuda/ladder/matmul/linear.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar>
__global__ void naive_kernel(LinearTask<Scalar> task) {
    const int n = int(blockIdx.y * blockDim.x + threadIdx.x), o = int(blockIdx.x);
    float sum = 0;
    if (n >= task.N) return;
    for (int i = 0; i < task.I; ++i) sum += task.x_at(n, i) * task.w_at(o, i);
    task.write(n, o, sum);
}

}  // namespace

void naive_linear(const LinearForward& a, Stream s) {
    constexpr int rows = 64;
    with_task(a, [&](auto task) {
        launch(naive_kernel<typename decltype(task)::Element>, tiles_of(a, rows, 1), dim3(rows), 0, s, task);
    });
}

}  // namespace gradus::DEVICE
