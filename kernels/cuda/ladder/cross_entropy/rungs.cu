// The ladder of cross-entropy: losses, and gradients in place of the logits. The formula is in kernels/cross_entropy.h.
#include "kernels/check.h"
#include "kernels/cuda/ladder/cross_entropy/cross_entropy.h"
#include "kernels/cuda/ladder/rungs.h"

namespace gradus::DEVICE {

namespace {

constexpr const char* cases = "*in one op*";

template <Op<CrossEntropy> run>
Rung rung(const char* name, const char* idea) {
    Ops of_rung = table();
    of_rung.cross_entropy = checked<CrossEntropy, run>;
    return {"cross_entropy", name, idea, 80, cases, of_rung};
}

}  // namespace

std::vector<Rung> cross_entropy_rungs() {
    using namespace cross_entropy_ladder;
    return {rung<naive>("naive", "one thread per row"),
            rung<warp_per_row>("warp_per_row", "one warp per row: neighbouring lanes read neighbouring logits"),
            rung<block_per_row>("block_per_row", "online softmax: the maximum and the sum in one pass"),
            {"cross_entropy", "shipped", "the row in shared memory: read once, written once, all its bytes in flight",
             80, cases, table()}};
}

}  // namespace gradus::DEVICE
