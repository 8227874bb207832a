// What tests/cuda/ptxas.py must find: 384 threads enter with 168 registers each, and the three warpgroups ask for 32, 240 and 240,
// eight more than there are.
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
