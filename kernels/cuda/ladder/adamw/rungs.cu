// The ladder of AdamW over the ranges of an arena. The formula is in kernels/optimizer.h.
#include "kernels/check.h"
#include "kernels/cuda/ladder/adamw/adamw.h"
#include "kernels/cuda/ladder/rungs.h"

namespace gradus::DEVICE {

namespace {

constexpr const char* cases = "AdamW *";

template <Op<AdamW> run>
Rung rung(const char* name, const char* idea) {
    Ops of_rung = table();
    of_rung.adamw = checked<AdamW, run>;
    return {"adamw", name, idea, 80, cases, of_rung};
}

}  // namespace

std::vector<Rung> adamw_rungs() {
    using namespace adamw_ladder;
    return {rung<naive>("naive", "one thread per weight, one launch per range"),
            rung<packs>("packs", "16-byte accesses, and one call of Philox for four weights"),
            {"adamw", "shipped", "one launch: each block finds its range in a table", 80, cases, table()}};
}

}  // namespace gradus::DEVICE
