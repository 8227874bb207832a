#pragma once
// Muon: momentum whose update is made orthogonal, for a list of weight matrices.     each R rows, I columns, r = min(R,I)
//
//   g       = scale · grad
//   m       = β·m + (1 − β)·g                  u = β·m + (1 − β)·g               (Nesterov)
//   X       = u / (‖u‖_F + 1e−12)
//   5 times   A = X·Xᵀ   (Xᵀ·X where R > I)     X = a·X + (b·A + c·A·A)·X         (…·X where R > I: X·(…))
//   master −= lr · ( 0.2·√max(R,I) · X + decay·master )
//   param   = round(master)                    where the model computes in bf16
//
// with a, b, c = 3.4445, −4.7750, 2.0315. The quintic drives every singular value of u towards 1 (to within some 30 %, which
// is enough), so all directions of a matrix learn at one rate. The factor 0.2·√max(R,I) gives the update the size of an AdamW
// update, so both share one learning rate. For the matrices inside blocks; embeddings, head and vectors stay with AdamW.
//
// The matrices do not depend on each other: a backend takes them one after the other or several at once.
//
// Sources: Jordan et al. 2024 (Muon); Liu et al. 2025 (the factor and the decay). Compute bound: about
// 5·(4·r·R·I + 2·r³) flops a matrix, or 5·(3·r·R·I + r³) where the symmetry of A and A·A is used, which a step of N rows
// (6·N·R·I flops) hides when N ≫ r.
#include <algorithm>
#include <span>

#include "kernels/step_values.h"
#include "kernels/tensor.h"

namespace gradus {

struct MuonMatrix {
    Acc master, m;   // [R,I]  f32 (f64 in the reference)
    Opt param = {};  // [R,I]  bf16, overwritten; empty where master itself is what the model computes with
    In grad;         // [R,I]  as master
};

struct Muon {
    std::span<const MuonMatrix> matrices;  // none shares memory with another
    Opt scale = {};                        // [1]    f64, what the gradients are multiplied with; empty: 1
    Out workspace;                         // as master, of the largest muon_workspace(R, I)
    const StepValues* step_values;         // on the device: lr
    double beta, decay;
};

// Elements: X, the next X, A, and b·A + c·A·A.
inline int64_t muon_workspace(int64_t R, int64_t I) {
    const int64_t r = std::min(R, I);
    return 2 * R * I + 2 * r * r;
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
