// GRADUS_MATMUL=own tests our own matmul in place of cuBLASLt's.
//
// The CUDA backend on a GPU, where the order of threads differs in every run, and in replayed graphs.
#include <cstdlib>

#include "kernels/choices.h"
#include "tests/kernels/table/hosted.h"
#include "tests/kernels/table/tested.h"

namespace gradus::test {

const Tested& tested() {
    if (const char* matmul = std::getenv("GRADUS_MATMUL"); matmul && std::string(matmul) == "own")
        kernel_choices().matmul = MatmulKernel::own;
    static const Tested table = {.device = cuda_ops(),
                                 .ops = hosted(cuda_ops()),
                                 .configurations = {{"first run", [] { capture_calls(false); }},
                                                    {"second run", [] { capture_calls(false); }},
                                                    {"third run, in graphs", [] { capture_calls(true); }}},
                                 .slow = std::getenv("GRADUS_SLOW") != nullptr,
                                 .matmuls = {MatmulKernel::library, MatmulKernel::own}};
    return table;
}

}  // namespace gradus::test
