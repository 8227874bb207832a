#pragma once
// The declaration of a weight. Every weight is declared once, in the each() of its struct; arenas, gradients, optimizer
// state, initialization, decay, sharding, checkpoints and Hugging Face names all use that list.
#include <array>
#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace gradus {

enum class Init {
    zero,
    one,
    normal,    // N(0, std²)
    residual,  // N(0, std²/2L): the projections that add into the residual stream (GPT-2)
    fan_in,    // N(0, 1/(inputs+1)): a scalar head (Stiennon et al. 2020)
};

// How tensor parallelism splits the matrix [out, in]: not at all, its rows (each rank computes some outputs), or its
// columns (each rank has some inputs, so the outputs are summed over the ranks).
enum class Split { none, rows, columns };

struct Spec {
    Shape shape;  // on this rank
    Init init = Init::normal;
    Split split = Split::none;
    std::array<int64_t, 3> parts =
        {};  // rows of the matrices stacked in this one (q, k, v; gate, up); zeros: a single matrix

    // The gradient comes from a linear, which overwrites it in the first backward pass of a step; nothing adds to it before.
    bool overwritten = false;

    bool decayed() const { return shape.rank >= 2; }  // weight decay applies to matrices only
};

// A weight as [rows, columns]; a vector is a column.
inline Tensor as_matrix(const Tensor& t) { return t.view({t.shape.dim[0], t.size() / t.shape.dim[0]}); }

// Rows [row, row + rows) of a weight on this rank are rows [logical_row, …) and columns [logical_column, …) of the
// whole weight. A rank has all rows and columns, some rows, or some columns; rows in no WeightSlice are padding.
struct WeightSlice {
    int64_t row, rows;
    int64_t logical_row, logical_column;
    int copies;  // neighbouring ranks that have this slice; the first one counts it in norms
};

// The slices on rank `rank` of `ranks` of a weight that is `whole` on one rank and `here` on this one.
std::vector<WeightSlice> slices_of(const Spec& whole, const Spec& here, int rank, int ranks);

}  // namespace gradus
