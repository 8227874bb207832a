// tests/cuda/ptxas.py must report this: with one block per SM each of 256 threads already starts with 232 registers.
#include "kernels/cuda/primitives/warpgroup.h"

namespace gradus::DEVICE {

template <bool compiled_for>
__device__ void share_out() {
    if constexpr (compiled_for) {
        if (threadIdx.x < 128) registers_lower<40>();
        else registers_raise<232>();
    }
}

__global__ void __launch_bounds__(256, 1) raise_of_nothing(float* y) {
    share_out<has_warpgroups>();
    y[threadIdx.x] = 1;
}

}  // namespace gradus::DEVICE
