// tests/cuda/ptxas.py must report this: without __launch_bounds__ ptxas does not know the number of registers, and drops
// setmaxnreg.
#include "kernels/cuda/primitives/warpgroup.h"

namespace gradus::DEVICE {

template <bool compiled_for>
__device__ void lower() {
    if constexpr (compiled_for) registers_lower<40>();
}

__global__ void given_up(float* y) {
    lower<has_warpgroups>();
    y[threadIdx.x] = 1;
}

}  // namespace gradus::DEVICE
