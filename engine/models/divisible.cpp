// Whether a model can be divided among the ranks of tp.
#include <optional>

#include "engine/base/error.h"
#include "engine/models/model.h"

namespace gradus {

namespace {

struct Indivisible {
    std::string what, why;
};

// What `tp` ranks cannot divide; empty: everything is divisible.
std::optional<Indivisible> indivisible_part(const ModelConfig& m, int rows, int tp) {
    auto text = [](int64_t n) { return std::to_string(n); };
    if (m.H % tp != 0)
        return Indivisible{text(m.H) + " heads",
                           "each rank has the same number of heads, and all of them have the width " + text(m.C)};
    if (m.G % tp != 0 && tp % m.G != 0)
        return Indivisible{text(m.G) + " key/value heads",
                           "each rank has the same number of them, or each is on the same number of ranks"};
    if (m.F % tp != 0)
        return Indivisible{"a feed-forward width of " + text(m.F), "each rank has the same number of its channels"};
    const int64_t share = (m.V + tp - 1) / tp;
    if (share * (tp - 1) >= m.V)
        return Indivisible{"a vocabulary of " + text(m.V), "the last rank would have none of it"};
    if (rows % tp != 0)
        return Indivisible{"the " + text(rows) + " rows of a micro-batch",
                           "between the matmuls each rank works on the same number of rows"};
    return std::nullopt;
}

}  // namespace

void require_divisible(const ModelConfig& m, int rows, int tp) {
    const auto part = indivisible_part(m, rows, tp);
    if (!part) return;
    int fewer = tp - 1;
    while (indivisible_part(m, rows, fewer)) --fewer;
    throw Error(std::to_string(tp) + " ranks cannot divide " + part->what,
                "mesh.tp = " + std::to_string(tp) + ": " + part->why, "--set mesh.tp=" + std::to_string(fewer));
}

}  // namespace gradus
