// The CUDA backend on a GPU, where the order of threads differs in every run, and in replayed graphs.
#include <cstdlib>

#include "tests/kernels/table/hosted.h"
#include "tests/kernels/table/tested.h"

namespace gradus::test {

const Tested& tested() {
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
