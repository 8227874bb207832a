// Linked where the CUDA table is not built: asking for it says what to do instead.
#include "kernels/ops.h"

namespace gradus {

const Ops& cuda_ops() {
    throw Error("this build has no CUDA backend", "the tree holds the tables \"cpu\" and \"reference\"",
                "set device = \"cpu\" under [train] in the recipe, or --set train.device=cpu");
}

}  // namespace gradus
