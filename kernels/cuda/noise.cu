// Noise on a GPU. The formulas are in kernels/noise.h.
//
// Plan. That of dropout: one thread per four neighbouring channels of a row, which share one call of the generator. A word less 2³¹ is
// the word with its upper bit flipped, read as a signed integer.
#include "engine/base/philox.h"
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/noise.h"

namespace gradus::DEVICE {

namespace {

constexpr int words_of_call = 4;

template <class Scalar>
__global__ void add_noise_kernel(Scalar* y, const Scalar* x, const float* amplitude, int64_t N, int64_t C,
                                 const uint64_t* key, int64_t first_row) {
    const int64_t calls = (C + words_of_call - 1) / words_of_call;  // per row
    const int64_t i = element(), n = i / calls, call = i % calls;
    if (n >= N) return;
    const auto words = Philox{*key}.words(uint64_t(first_row + n), uint64_t(call));
    const float of_row = amplitude[n];
    for (int k = 0; k < words_of_call; ++k) {
        const int64_t c = call * words_of_call + k;
        const float u = float(int32_t(words[size_t(k)] ^ 0x80000000u)) * 0x1p-31f;
        if (c < C) y[n * C + c] = Scalar(float(x[n * C + c]) + of_row * u);
    }
}

}  // namespace

void add_noise(const AddNoise& a, Stream s) {
    const int64_t N = a.x.rows(), C = a.x.last(), calls = (C + words_of_call - 1) / words_of_call;
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_elements(add_noise_kernel<Scalar>, N * calls, s, a.y.as<Scalar>(), a.x.as<Scalar>(),
                        a.amplitude.as<float>(), N, C, a.key, a.first_row);
    });
}

}  // namespace gradus::DEVICE
