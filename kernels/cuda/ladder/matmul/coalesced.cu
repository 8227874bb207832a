// Coalesced: one warp per element of y. Its lanes read neighbouring elements of a row of x and of a row of w, in as few sectors as
// there are, and add their partial sums at the end.
//
// Every element of x is still read O times, and every element of w N times: two numbers for one multiplication.
#include "kernels/cuda/ladder/matmul/linear.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar>
__global__ void coalesced_kernel(LinearTask<Scalar> task) {
    const int n = int(blockIdx.y), o = int(blockIdx.x * blockDim.y + threadIdx.y);
    float sum = 0;
    for (int i = int(threadIdx.x); i < task.I; i += warp) sum += task.x_at(n, i) * task.w_at(o, i);
    sum = warp_sum(sum);
    if (threadIdx.x == 0) task.write(n, o, sum);
}

}  // namespace

void coalesced_linear(const LinearForward& a, Stream s) {
    constexpr int warps = 4;
    with_task(a, [&](auto task) {
        launch(coalesced_kernel<typename decltype(task)::Element>, tiles_of(a, 1, warps), dim3(warp, warps), 0, s,
               task);
    });
}

}  // namespace gradus::DEVICE
