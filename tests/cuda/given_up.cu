// What tests/cuda/ptxas.py must find: without __launch_bounds__ ptxas does not know how many registers there are, and leaves
// setmaxnreg out.
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
