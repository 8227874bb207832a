// Shared: a block computes a square of 32 by 32 elements of y. It copies squares of x and of w to shared memory, where each element
// serves 32 threads: 32 times fewer reads of global memory.
//
// A thread reads two numbers of shared memory for a multiplication, and an SM reads 32 numbers a clock, but multiplies 128.
#include "kernels/cuda/ladder/matmul/linear.h"

namespace gradus::DEVICE {

namespace {

constexpr int side = 32, thread_rows = 8, each = side / thread_rows;

template <class Scalar>
__global__ void shared_kernel(LinearTask<Scalar> task) {
    // A row more than a warp has lanes: its lanes read a column of w's square from 32 banks.
    SHARED(float, x, [side][side + 1]);
    SHARED(float, w, [side][side + 1]);
    const int n = int(blockIdx.y) * side, o = int(blockIdx.x) * side, column = int(threadIdx.x), row = int(threadIdx.y);
    float sums[each] = {};
    for (int i = 0; i < task.I; i += side) {
#pragma unroll
        for (int k = 0; k < each; ++k) {
            x[row + k * thread_rows][column] = task.x_at(n + row + k * thread_rows, i + column);
            w[row + k * thread_rows][column] = task.w_at(o + row + k * thread_rows, i + column);
        }
        __syncthreads();
        for (int j = 0; j < side; ++j)
#pragma unroll
            for (int k = 0; k < each; ++k) sums[k] += x[row + k * thread_rows][j] * w[column][j];
        __syncthreads();
    }
#pragma unroll
    for (int k = 0; k < each; ++k) task.write(n + row + k * thread_rows, o + column, sums[k]);
}

}  // namespace

void shared_linear(const LinearForward& a, Stream s) {
    with_task(a, [&](auto task) {
        launch(shared_kernel<typename decltype(task)::Element>, tiles_of(a, side, side), dim3(side, thread_rows), 0, s,
               task);
    });
}

}  // namespace gradus::DEVICE
