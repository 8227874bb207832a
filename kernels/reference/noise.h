#pragma once
// The formulas of kernels/noise.h.
#include "engine/base/philox.h"
#include "kernels/noise.h"
#include "kernels/reference/scalar.h"

namespace gradus::reference {

template <class Scalar>
void add_noise(const AddNoise& a) {
    const int64_t N = a.x.rows(), C = a.x.last(), row = a.first_row + (a.batch_row ? *a.batch_row : 0);
    const Scalar *x = a.x.as<Scalar>(), *amplitude = a.amplitude.as<Scalar>();
    Scalar* y = a.y.as<Scalar>();
    for (int64_t n = 0; n < N; ++n)
        for (int64_t c = 0; c < C; ++c) {
            const uint32_t word = Philox{*a.key}.words(uint64_t(row + n), uint64_t(c / 4))[size_t(c % 4)];
            y[n * C + c] = x[n * C + c] + amplitude[n] * Scalar(double(word) * 0x1p-31 - 1);
        }
}

}  // namespace gradus::reference
