// The ladder of reductions: the sum of squares of a vector. The formula is in kernels/optimizer.h.
#include "kernels/cuda/ladder/rungs.h"

namespace gradus::DEVICE {

std::vector<Rung> reduction_rungs() {
    return {{.family = "reduction",
             .name = "shipped",
             .idea = "kernels/cuda/optimizer.cu",
             .capability = 80,
             .cases = "the sum of squares*",
             .table = table()}};
}

}  // namespace gradus::DEVICE
