// The ladder of attention on sm_90a. The formulas are in kernels/attention.h; docs/kernels/attention_hopper.md explains each rung.
#include "kernels/check.h"
#include "kernels/cuda/ladder/attention_hopper/rungs.h"
#include "kernels/cuda/ladder/rungs.h"

namespace gradus::DEVICE {

std::vector<Rung> attention_hopper_rungs() {
    const auto rung = [](const char* name, const char* idea, const Ops& ops) {
        return Rung{.family = "attention_hopper",
                    .name = name,
                    .idea = idea,
                    .capability = 90,
                    .cases = "attention forward*,attention over many*,values of keys*",
                    .table = ops};
    };
    Ops pipeline = table();
    pipeline.attention_forward = checked<AttentionForward, attention_hopper_pipeline>;
    return {rung("pipeline", "a producer copies tiles by tensor map, two consumers multiply them by wgmma", pipeline),
            rung("overlap", "exponentials beside products: kernels/cuda/attention/hopper_forward.cu", table())};
}

}  // namespace gradus::DEVICE
