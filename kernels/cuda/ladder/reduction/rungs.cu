// The ladder of reductions: the sum of squares of a vector. The formula is in kernels/optimizer.h.
#include "kernels/check.h"
#include "kernels/cuda/ladder/reduction/reduction.h"
#include "kernels/cuda/ladder/rungs.h"

namespace gradus::DEVICE {

namespace {

constexpr const char* cases = "the sum of squares*";

template <Op<SquareSum> run>
Rung rung(const char* name, const char* idea) {
    Ops of_rung = table();
    of_rung.square_sum = checked<SquareSum, run>;
    return {"reduction", name, idea, 80, cases, of_rung};
}

}  // namespace

std::vector<Rung> reduction_rungs() {
    using namespace reduction_ladder;
    return {rung<serial>("serial", "one thread"),
            rung<tree>("tree", "one block: a tree of sums in shared memory"),
            rung<shuffles>("shuffles", "the lanes of a warp exchange their sums in registers"),
            rung<packs>("packs", "16-byte accesses, four of them in flight per thread"),
            {"reduction", "shipped", "all SMs: partial sums of blocks, which a second kernel adds in order", 80, cases,
             table()}};
}

}  // namespace gradus::DEVICE
