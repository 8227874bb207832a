#pragma once
// The formulas of kernels/embedding.h.
#include "kernels/embedding.h"
#include "kernels/reference/scalar.h"

namespace gradus::reference {

template <class Scalar>
void embedding_forward(const EmbeddingForward& a) {
    const int64_t N = a.y.rows(), C = a.y.last(), Vr = a.wte.rows(), V = a.V ? a.V : Vr;
    const Scalar *wte = a.wte.as<Scalar>(), *wpe = a.wpe.as<Scalar>();
    Scalar* y = a.y.as<Scalar>();
    for (int64_t n = 0; n < N; ++n) {
        const int64_t row = index("token", a.tokens.as<int32_t>()[n], V) - a.first_token;
        for (int64_t c = 0; c < C; ++c) y[n * C + c] = row >= 0 && row < Vr ? wte[row * C + c] : Scalar(0);
        if (!a.wpe) continue;
        const int64_t position = index("position", a.positions.as<int32_t>()[n], a.wpe.rows());
        for (int64_t c = 0; c < C; ++c) y[n * C + c] += wpe[position * C + c];
    }
}

template <class Scalar>
void embedding_backward(const EmbeddingBackward& a) {
    const int64_t N = a.d_y.rows(), C = a.d_y.last(), Vr = a.d_wte.rows(), V = a.V ? a.V : Vr;
    const Scalar* d_y = a.d_y.as<Scalar>();
    Scalar *d_wte = a.d_wte.as<Scalar>(), *d_wpe = a.d_wpe.as<Scalar>();
    for (int64_t n = 0; n < N; ++n) {
        const int64_t row = index("token", a.tokens.as<int32_t>()[n], V) - a.first_token;
        for (int64_t c = 0; c < C && row >= 0 && row < Vr; ++c) d_wte[row * C + c] += d_y[n * C + c];
        if (!a.d_wpe) continue;
        const int64_t position = index("position", a.positions.as<int32_t>()[n], a.d_wpe.rows());
        for (int64_t c = 0; c < C; ++c) d_wpe[position * C + c] += d_y[n * C + c];
    }
}

}  // namespace gradus::reference
