// The ladder of LayerNorm: first its forward, then its gradients. The formulas are in kernels/layernorm.h.
#include "kernels/check.h"
#include "kernels/cuda/ladder/layernorm/layernorm.h"
#include "kernels/cuda/ladder/rungs.h"

namespace gradus::DEVICE {

namespace {

template <Op<LayerNormForward> run>
Rung forward(const char* name, const char* idea) {
    Ops rung = table();
    rung.layernorm_forward = checked<LayerNormForward, run>;
    return {"layernorm", name, idea, 80, "the norms *", rung};
}

template <Op<LayerNormBackward> run>
Rung backward(const char* name, const char* idea) {
    Ops rung = table();
    rung.layernorm_backward = checked<LayerNormBackward, run>;
    return {"layernorm", name, idea, 80, "the gradients of *norms *", rung};
}

}  // namespace

std::vector<Rung> layernorm_rungs() {
    using namespace layernorm_ladder;
    return {
        forward<naive>("naive", "one thread per row"),
        forward<warp_per_row>("warp_per_row", "one warp per row: neighbouring lanes read neighbouring elements"),
        forward<packs>("packs", "16-byte accesses"),
        forward<registers>("registers", "the row is read once and held in registers"),
        backward<columns>("columns", "gradients: sums over columns with one block per 32 of them, then d_x"),
        backward<two_stages>("two_stages", "gradients: the rows are split, partial sums are added in order"),
        {"layernorm", "shipped", "rows of any width, the residual add fused; all gradients in one pass over d_y and x",
         80, "*norms *", table()}};
}

}  // namespace gradus::DEVICE
