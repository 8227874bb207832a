// Linked in builds without CUDA: cuda_ops() throws an Error with the build option.
#include "kernels/cuda/host/library.h"
#include "kernels/ladder.h"

namespace gradus {

const Ops& cuda_ops(int) {
    throw Error("this build has no CUDA backend", "it was configured without WITH_CUDA",
                "cmake --preset cuda && cmake --build --preset cuda; or the CPU: --device cpu, "
                "or in training --set train.device=cpu");
}

const std::vector<Rung>& cuda_ladder() {
    static const std::vector<Rung> none;
    cuda_ops();
    return none;
}

const Ops& cuda_libraries() {
    static const Ops none = {};
    return none;
}

int cuda_devices() { return 0; }
int cuda_capability() { return 0; }
std::string cuda_address(int) { return {}; }
bool cuda_has_cudnn() { return false; }

}  // namespace gradus
