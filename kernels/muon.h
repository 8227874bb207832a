#pragma once
// Muon: momentum with an orthogonalised update, for a list of weight matrices.       each R rows, I columns, r = min(R,I)
//
//   g       = scale · grad
//   m       = β·m + (1 − β)·g                  u = β·m + (1 − β)·g               (Nesterov)
//   X       = u / (‖u‖_F + 1e−12)
//   5 times   A = X·Xᵀ   (Xᵀ·X where R > I)     X = a·X + (b·A + c·A·A)·X         (…·X where R > I: X·(…))
//   master −= lr · ( 0.2·√max(R,I) · X + decay·master )
//   param   = round(master)                    if the model computes in bf16
//
// with a, b, c = 3.4445, −4.7750, 2.0315. The quintic moves every singular value of u towards 1 (to within about 30 %, which
// is enough), so all directions of a matrix learn at the same rate. The factor 0.2·√max(R,I) gives the update the RMS of an
// AdamW update, so both use the same learning rate. For the matrices inside blocks; embeddings, head and vectors use AdamW.
//
// If the workspace is in bf16, so are X, A and B = b·A + c·A·A, and the matmuls run on tensor cores: X is rounded to bf16 after the
// division, A after its matmul, b·A and a·X before and after a matmul is added to them. Sums are in f32. The quintic does not need more:
// its fixed point attracts, so an error of one round is damped by the next. The update differs from that in f32 by a few percent of
// its norm, in directions in which u is small.
//
// The matrices are independent: a backend may update them in sequence or in parallel.
//
// Sources: Jordan et al. 2024 (Muon); Liu et al. 2025 (the factor and the decay). Compute bound: about
// 5·(4·r·R·I + 2·r³) flops per matrix, or 5·(3·r·R·I + r³) using the symmetry of A and A·A. That is small beside a step of N rows
// (6·N·R·I flops) when N ≫ r.
#include <algorithm>
#include <span>

#include "kernels/step_values.h"
#include "kernels/tensor.h"

namespace gradus {

struct MuonMatrix {
    Acc master, m;   // [R,I]  f32 (f64 in the reference)
    Opt param = {};  // [R,I]  bf16, overwritten; empty if the model computes with master itself
    In grad;         // [R,I]  as master
};

struct Muon {
    std::span<const MuonMatrix> matrices;  // in disjoint memory
    Opt scale = {};                        // [1]    f64, multiplies the gradients; empty: 1
    Out workspace;                         // dtype of master, or bf16; size of the largest muon_workspace(R, I)
    const StepValues* step_values;         // on the device: lr
    double beta, decay;
};

// Elements: a norm with its partial sums, X, the next X, A, and b·A + c·A·A.
constexpr int64_t muon_sums = 2304;  // room for 1152 f32 in a workspace of bf16
inline int64_t muon_workspace(int64_t R, int64_t I) {
    const int64_t r = std::min(R, I);
    return muon_sums + 2 * R * I + 2 * r * r;
}
inline int64_t muon_workspace(std::span<const MuonMatrix> matrices) {
    int64_t most = 0;
    for (const MuonMatrix& x : matrices) most = std::max(most, muon_workspace(x.master.rows(), x.master.last()));
    return most;
}

inline Cost cost(const Muon& a) {
    Cost sum = {0, 0};
    for (const MuonMatrix& x : a.matrices) {
        const double R = double(x.master.rows()), I = double(x.master.last()), r = std::min(R, I);
        sum.bytes += 7.0 * double(x.master.bytes());
        sum.flops += 5 * (3 * r * R * I + r * r * r);
    }
    return sum;
}

}  // namespace gradus
