#pragma once
// Shapes for every backend that are not multiples of any tile, warp, panel or thread count. Under a sanitizer there are fewer, but
// of every kind.
#include "tests/kernels/harness.h"
#include "tests/kernels/table/tested.h"

namespace gradus::test {

// The last ones are split over threads and blocks, with partial ones at the end.
inline std::vector<Rows> rows() {
    if (tested().slow) return {{1, 1}, {5, 1}, {3, 8}, {19, 40}, {2, 290}};
    std::vector<Rows> all = awkward_rows;
    all.push_back({83, 389});
    all.push_back({37, 1100});
    return all;
}

inline std::string named(const std::string& op, const Rows& r) {
    return op + " [" + std::to_string(r.N) + "," + std::to_string(r.C) + "]";
}

// Small shapes, the head widths of most models, several query and key tiles with partial ones at the end, groups of one to all
// heads, and a head width above those that kernels are tuned for.
inline std::vector<Heads> heads() {
    if (tested().slow)
        return {{1, 1, 1, 1, 1},  {2, 5, 1, 1, 3},   {1, 37, 4, 2, 20}, {1, 9, 2, 1, 64}, {1, 7, 1, 1, 80},
                {2, 5, 3, 1, 96}, {1, 6, 1, 1, 128}, {1, 5, 2, 2, 256}, {1, 4, 1, 1, 300}};
    std::vector<Heads> all = awkward_heads;
    for (const Heads& h : std::vector<Heads>{{1, 61, 2, 1, 64},
                                             {1, 23, 2, 2, 80},
                                             {2, 19, 3, 1, 96},
                                             {1, 67, 1, 1, 128},
                                             {1, 19, 2, 1, 256},
                                             {1, 97, 2, 1, 20},
                                             {1, 7, 1, 1, 300}})
        all.push_back(h);
    return all;
}

inline std::string named(const std::string& op, const Heads& h, const std::string& mask) {
    return op + ", " + mask + " B=" + std::to_string(h.B) + " T=" + std::to_string(h.T) + " H=" + std::to_string(h.H) +
           " G=" + std::to_string(h.G) + " D=" + std::to_string(h.D);
}

}  // namespace gradus::test
