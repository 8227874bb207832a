// What the ranks of tp can divide among them.
#include <optional>

#include "engine/base/error.h"
#include "engine/models/model.h"

namespace gradus {

namespace {

struct Unshared {
    std::string what, why;
};

// What `tp` ranks cannot share out.
std::optional<Unshared> unshared(const ModelConfig& m, int rows, int tp) {
    auto text = [](int64_t n) { return std::to_string(n); };
    if (m.H % tp != 0)
        return Unshared{text(m.H) + " heads",
                        "each rank has as many heads, and the width " + text(m.C) + " is theirs together"};
    if (m.G % tp != 0 && tp % m.G != 0)
        return Unshared{text(m.G) + " key/value heads",
                        "each rank has as many of them, or each of them is on as many ranks"};
    if (m.F % tp != 0) return Unshared{"a feed-forward width of " + text(m.F), "each rank has as many of its channels"};
    const int64_t share = (m.V + tp - 1) / tp;
    if (share * (tp - 1) >= m.V) return Unshared{"a vocabulary of " + text(m.V), "the last rank would have none of it"};
    if (rows % tp != 0)
        return Unshared{"the " + text(rows) + " rows of a micro-batch",
                        "between the matrices each rank works on as many rows"};
    return std::nullopt;
}

}  // namespace

void require_divisible(const ModelConfig& m, int rows, int tp) {
    const auto lacking = unshared(m, rows, tp);
    if (!lacking) return;
    int fewer = tp - 1;
    while (unshared(m, rows, fewer)) --fewer;
    throw Error(std::to_string(tp) + " ranks cannot share out " + lacking->what,
                "mesh.tp = " + std::to_string(tp) + ": " + lacking->why, "--set mesh.tp=" + std::to_string(fewer));
}

}  // namespace gradus
