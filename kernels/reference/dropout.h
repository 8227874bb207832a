#pragma once
// The formulas of kernels/dropout.h.
#include "engine/base/philox.h"
#include "kernels/dropout.h"
#include "kernels/reference/scalar.h"

namespace gradus::reference {

template <class Args>
bool keeps(const Args& a, int64_t n, int64_t c) {
    const int64_t row = a.first_row + (a.batch_row ? *a.batch_row : 0);
    const uint32_t word = Philox{*a.key}.words(uint64_t(row + n), uint64_t(c / 4))[size_t(c % 4)];
    return double(word) >= a.p * 0x1p32;
}

template <class Scalar>
void dropout(const Dropout& a) {
    const int64_t N = a.x.rows(), C = a.x.last();
    const Scalar* x = a.x.as<Scalar>();
    Scalar* y = a.y.as<Scalar>();
    for (int64_t n = 0; n < N; ++n)
        for (int64_t c = 0; c < C; ++c) y[n * C + c] = keeps(a, n, c) ? x[n * C + c] / Scalar(1 - a.p) : Scalar(0);
}

template <class Scalar>
void add_dropout(const AddDropout& a) {
    const int64_t N = a.x.rows(), C = a.x.last();
    const Scalar *residual = a.a.as<Scalar>(), *x = a.x.as<Scalar>();
    Scalar* y = a.y.as<Scalar>();
    for (int64_t n = 0; n < N; ++n)
        for (int64_t c = 0; c < C; ++c) {
            const Scalar dropped = keeps(a, n, c) ? x[n * C + c] / Scalar(1 - a.p) : Scalar(0);
            y[n * C + c] = residual[n * C + c] + dropped;
        }
}

}  // namespace gradus::reference
