#pragma once
// Reference Muon: compare with the formulas in kernels/muon.h line by line.
#include <cmath>
#include <vector>

#include "kernels/muon.h"
#include "kernels/reference/elementwise.h"
#include "kernels/scalar.h"

namespace gradus::reference {

// y [n,o] = Σ_k x[n,k] · z[k,o]
template <class Real>
std::vector<Real> matmul(const std::vector<Real>& x, const std::vector<Real>& z, int64_t n, int64_t k, int64_t o) {
    std::vector<Real> y(size_t(n * o), Real(0));
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < k; ++j)
            for (int64_t l = 0; l < o; ++l) y[size_t(i * o + l)] += x[size_t(i * k + j)] * z[size_t(j * o + l)];
    return y;
}

template <class Real>
void muon(const Muon& op, const MuonMatrix& w) {
    const int64_t R = w.master.rows(), I = w.master.last(), n = R * I, r = std::min(R, I);
    const Real scale = op.scale ? Real(op.scale.as<double>()[0]) : Real(1), beta = Real(op.beta);
    const Real a = Real(3.4445), b = Real(-4.7750), c = Real(2.0315);
    Real *m = w.m.as<Real>(), *master = w.master.as<Real>();

    std::vector<Real> X(static_cast<size_t>(n));
    double squares = 0;
    for (int64_t i = 0; i < n; ++i) {
        const Real g = scale * w.grad.as<Real>()[i];
        m[i] = beta * m[i] + (Real(1) - beta) * g;
        X[size_t(i)] = beta * m[i] + (Real(1) - beta) * g;
        squares += double(X[size_t(i)]) * double(X[size_t(i)]);
    }
    const bool half = op.workspace.dtype == DType::bf16;
    const auto stored = [&](Real x) { return half ? Real(float(rounded(double(x)))) : x; };
    const Real inverse_norm = Real(1 / (std::sqrt(squares) + 1e-12));
    for (Real& x : X) x = stored(x * inverse_norm);

    for (int round = 0; round < 5; ++round) {
        std::vector<Real> X_t(X.size());
        for (int64_t i = 0; i < R; ++i)
            for (int64_t j = 0; j < I; ++j) X_t[size_t(j * R + i)] = X[size_t(i * I + j)];
        std::vector<Real> A = R <= I ? matmul(X, X_t, R, I, R) : matmul(X_t, X, I, R, I);
        for (Real& x : A) x = stored(x);
        std::vector<Real> B = matmul(A, A, r, r, r);
        for (size_t i = 0; i < B.size(); ++i) B[i] = stored(stored(b * A[i]) + c * B[i]);
        const std::vector<Real> Y = R <= I ? matmul(B, X, R, R, I) : matmul(X, B, R, I, I);
        for (size_t i = 0; i < X.size(); ++i) X[i] = stored(stored(a * X[i]) + Y[i]);
    }

    const Real size = Real(0.2 * std::sqrt(double(std::max(R, I))));
    for (int64_t i = 0; i < n; ++i) {
        master[i] -= Real(op.step_values->lr) * (size * X[size_t(i)] + Real(op.decay) * master[i]);
        if (w.param) w.param.as<bf16>()[i] = bf16(float(master[i]));
    }
}

}  // namespace gradus::reference
