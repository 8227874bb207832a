#pragma once
// What every layer function needs in order to run. Passed by const reference, stored by the model alone.
#include <algorithm>

#include "engine/comm.h"
#include "engine/models/config.h"
#include "kernels/ops.h"

namespace gradus {

// Sizes on this rank. H, G, F and V are its share among the ranks of tp; nothing below this line divides again.
struct Dims {
    int B, T, L, C, H, G, D, F;
    int V;  // rows of the vocabulary's tables: the same on every rank, so the last may have some that mean nothing

    int N() const { return B * T; }
    int query_width() const { return H * D; }
    int qkv_width() const { return (H + 2 * G) * D; }
};

// Key/value heads are shared out, or where there are fewer than ranks, held by several ranks alike.
inline Dims dims_of(const ModelConfig& m, int B, int T, int tp = 1) {
    return {B, T, m.L, m.C, m.H / tp, std::max(m.G / tp, 1), m.D, m.F / tp, (m.V + tp - 1) / tp};
}

struct Run {
    const Ops& ops;
    Dims d;
    ModelConfig model;
    DType dtype;
    Comm tp = {};
    Stream stream = {};

    DType accumulator() const { return accumulator_of(dtype); }

    // The ids whose rows this rank has.
    int vocab_offset() const { return tp.rank * d.V; }
    int vocab_rows() const { return std::min(d.V, model.V - vocab_offset()); }

    // Between the matrices (norms, dropout, residual stream) the ranks of tp share the rows out: this rank works on those
    // [first_own_row, first_own_row + own_rows), and no two ranks do the same work or keep the same rows.
    int own_rows() const { return d.N() / tp.size; }
    int first_own_row() const { return tp.rank * own_rows(); }
    Tensor own(const Tensor& all_rows) const { return all_rows.slice(first_own_row(), own_rows()); }
    // All rows, from those that each rank has: in `workspace`, or with one rank where they are.
    Tensor gathered(const Tensor& own_rows, const Tensor& workspace) const {
        if (tp.size == 1) return own_rows;
        tp.all_gather(workspace, own_rows, stream);
        return workspace;
    }
};

}  // namespace gradus
