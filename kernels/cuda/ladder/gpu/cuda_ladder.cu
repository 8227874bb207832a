// The ladders on the GPU in use.
#include "kernels/cuda/ladder/rungs.h"

namespace gradus {

const std::vector<Rung>& cuda_ladder() {
    cuda_ops();
    return cuda::ladder();
}

}  // namespace gradus
