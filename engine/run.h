#pragma once
// What a layer function needs in order to run: the runtime, the sizes on this rank and the model's mathematics. Passed by const
// reference; models and heads store it.
#include <algorithm>

#include "engine/models/config.h"
#include "engine/runtime.h"

namespace gradus {

// Sizes on this rank. H, G, F and V are its share among the ranks of tp; nothing below this line divides again.
struct Dims {
    int B, T, L, C, H, G, D, F;
    int V;  // rows of the vocabulary's tables: the same on every rank, so the last rank may have some that mean nothing

    int N() const { return B * T; }
    int query_width() const { return H * D; }
    int qkv_width() const { return (H + 2 * G) * D; }
    int last_bucket() const { return L + 1; }  // of gradients: 0 embedding, 1 to L blocks, then final norm and heads
};

// Key/value heads are divided among the ranks, or where there are fewer heads than ranks, several ranks hold the same one.
inline Dims dims_of(const ModelConfig& m, int B, int T, int tp = 1) {
    return {B, T, m.L, m.C, m.H / tp, std::max(m.G / tp, 1), m.D, m.F / tp, (m.V + tp - 1) / tp};
}

struct Run : Runtime {
    Dims d;
    ModelConfig model;

    // The ids whose rows of the vocabulary's tables this rank has.
    int vocab_offset() const { return tp.rank * d.V; }
    int vocab_rows() const { return std::min(d.V, model.V - vocab_offset()); }

    // Between the matmuls (norms, dropout, residual stream) the ranks of tp divide the rows: this rank works on
    // [first_own_row, first_own_row + own_rows), and no two ranks do the same work or keep the same rows.
    int own_rows() const { return d.N() / tp.size; }
    int first_own_row() const { return tp.rank * own_rows(); }
    Tensor own(const Tensor& all_rows) const { return all_rows.slice(first_own_row(), own_rows()); }
    // All rows, gathered into `workspace` from those that each rank has. With one rank they are returned as they are.
    Tensor gathered(const Tensor& own_rows, const Tensor& workspace) const {
        if (tp.size == 1) return own_rows;
        tp.all_gather(workspace, own_rows, stream);
        return workspace;
    }
};

}  // namespace gradus
