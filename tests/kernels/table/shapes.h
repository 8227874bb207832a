#pragma once
// Shapes that nothing divides, for every table: no tile, warp, panel or thread count. Under a sanitizer there are fewer, but
// of every kind.
#include "tests/kernels/harness.h"
#include "tests/kernels/table/tested.h"

namespace gradus::test {

// The last ones are shared out to threads and blocks, and end in the middle of everything.
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

// Beside the small ones, the head widths of most models, several query and key tiles with ragged ends, groups of one to all
// heads, and a width above those that kernels are written for.
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

inline Opt when(bool given, const Tensor& t) { return given ? Opt(t) : Opt(); }

}  // namespace gradus::test
