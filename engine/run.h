#pragma once
// The context of a layer function: the runtime, the sizes on this rank and the model's configuration. Passed by const
// reference; models and heads store it.
#include <algorithm>

#include "engine/models/config.h"
#include "engine/runtime.h"

namespace gradus {

// Sizes on this rank. H, G, F and V are already divided by the ranks of tp.
struct Dims {
    int B, T, L, C, H, G, D, F;
    int V;  // rows of the embedding and the head: the same on every rank, so the last rank may have padding

    int N() const { return B * T; }
    int query_width() const { return H * D; }
    int qkv_width() const { return (H + 2 * G) * D; }
    int last_bucket() const { return L + 1; }  // of gradients: 0 embedding, 1 to L blocks, then final norm and heads
};

// Key/value heads are divided among the ranks; if there are fewer heads than ranks, several ranks share one.
inline Dims dims_of(const ModelConfig& m, int B, int T, int tp = 1) {
    return {B, T, m.L, m.C, m.H / tp, std::max(m.G / tp, 1), m.D, m.F / tp, (m.V + tp - 1) / tp};
}

struct Run : Runtime {
    Dims d;
    ModelConfig model;
    bool overwrite = false;  // in backward: linears overwrite the gradients of their weights

    // The ids whose rows of the embedding and the head this rank has.
    int vocab_offset() const { return tp.rank * d.V; }
    int vocab_rows() const { return std::min(d.V, model.V - vocab_offset()); }

    // Between the matmuls (norms, dropout, residual stream) the ranks of tp divide the rows: this rank works on
    // [first_own_row, first_own_row + own_rows), and no work or memory is duplicated (sequence parallelism).
    int own_rows() const { return d.N() / tp.size; }
    int first_own_row() const { return tp.rank * own_rows(); }
    Tensor own(const Tensor& all_rows) const { return all_rows.slice(first_own_row(), own_rows()); }
    // All rows, gathered into `workspace` from the ranks. With one rank returns own_rows.
    Tensor gathered(const Tensor& own_rows, const Tensor& workspace) const {
        if (tp.size == 1) return own_rows;
        tp.all_gather(workspace, own_rows, stream);
        return workspace;
    }
};

}  // namespace gradus
