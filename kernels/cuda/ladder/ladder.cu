// All rungs of this backend, in the order of the families.
#include "kernels/cuda/ladder/rungs.h"

namespace gradus::DEVICE {

const std::vector<Rung>& ladder() {
    static const std::vector<Rung> all = [] {
        std::vector<Rung> rungs;
        for (const auto& family : {adamw_rungs, attention_rungs, attention_hopper_rungs, cross_entropy_rungs,
                                   decoding_rungs, layernorm_rungs, matmul_rungs, reduction_rungs}) {
            const std::vector<Rung> more = family();
            rungs.insert(rungs.end(), more.begin(), more.end());
        }
        return rungs;
    }();
    return all;
}

}  // namespace gradus::DEVICE
