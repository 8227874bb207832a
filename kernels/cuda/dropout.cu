// Dropout on a GPU. The formulas are in kernels/dropout.h.
//
// Plan. One thread per four neighbouring channels of a row, which share one call of the generator, the most expensive part. The
// four accesses of a warp are to the same 32-byte sectors, so all but the first hit the cache. Words are compared as
// integers: word ≥ p·2³² is the same as word ≥ ⌈p·2³²⌉.
#include <cmath>

#include "engine/base/philox.h"
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/dropout.h"

namespace gradus::DEVICE {

namespace {

constexpr int words_of_call = 4;

template <class Scalar>
__global__ void dropout_kernel(Scalar* y, const Scalar* x, int64_t N, int64_t C, uint64_t least, float kept,
                               const uint64_t* key, int64_t first_row) {
    const int64_t calls = (C + words_of_call - 1) / words_of_call;  // per row
    const int64_t i = element(), n = i / calls, call = i % calls;
    if (n >= N) return;
    const auto words = Philox{*key}.words(uint64_t(first_row + n), uint64_t(call));
    for (int k = 0; k < words_of_call; ++k) {
        const int64_t c = call * words_of_call + k;
        if (c < C) y[n * C + c] = words[size_t(k)] >= least ? Scalar(float(x[n * C + c]) / kept) : Scalar(0.f);
    }
}

}  // namespace

void dropout(const Dropout& a, Stream s) {
    const int64_t N = a.x.rows(), C = a.x.last(), calls = (C + words_of_call - 1) / words_of_call;
    const auto least = uint64_t(std::ceil(a.p * 0x1p32));
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_elements(dropout_kernel<Scalar>, N * calls, s, a.y.as<Scalar>(), a.x.as<Scalar>(), N, C, least,
                        float(1 - a.p), a.key, a.first_row);
    });
}

}  // namespace gradus::DEVICE
