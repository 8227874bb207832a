// In place of the counted kernels in a build with a sanitizer, which needs the same hooks.
#include "engine/base/error.h"
#include "kernels/simt/counters.h"

namespace gradus {

namespace {

[[noreturn]] void refuse() {
    throw Error("cannot count in this build", "it is built with a sanitizer, which uses the hooks that counting uses",
                "cmake --preset release && cmake --build --preset release");
}

}  // namespace

const Ops& counted_ops() { refuse(); }
const std::vector<Rung>& counted_ladder() { refuse(); }

}  // namespace gradus
