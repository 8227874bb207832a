// tests/cuda/ptxas.py must report this: 384 threads start with 168 registers each, but the three warpgroups request 32, 240 and
// 240, eight too many.
#include "kernels/cuda/primitives/warpgroup.h"

namespace gradus::DEVICE {

template <bool compiled_for>
__device__ void share_out() {
    if constexpr (compiled_for) {
        if (threadIdx.x < 128) registers_lower<32>();
        else registers_raise<240>();
    }
}

__global__ void __launch_bounds__(384, 1) wait_for_ever(float* y) {
    share_out<has_warpgroups>();
    y[threadIdx.x] = 1;
}

}  // namespace gradus::DEVICE
