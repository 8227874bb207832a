// Dropout: random words for a segment of a row, then the selection.
#include <cmath>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/philox.h"
#include "kernels/dropout.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

constexpr int64_t segment = 4 * counters;  // channels per call of the generator

// As bf16 stores it.
Floats rounded(Floats x, float) { return x; }
Floats rounded(Floats x, bf16) { return (Floats)(bf16_bits(x) << 16); }

// Of Dropout or AddDropout.
template <class Scalar, class Args>
void drop(const Args& a, const Scalar* residual) {
    const int64_t N = a.x.rows(), C = a.x.last();
    const uint64_t limit = uint64_t(std::ceil(a.p * 0x1p32));  // a word below it drops its element
    const float keep_probability = float(1 - a.p);
    const uint64_t key = *a.key;
    const int64_t row = a.first_row + (a.batch_row ? *a.batch_row : 0);
    parallel(N, std::max<int64_t>(1, (1 << 11) / C), [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; ++n)
            for (int64_t c = 0; c < C; c += segment) {
                uint32_t random[segment];
                all_words(random, key, uint64_t(row + n), uint64_t(c / 4));
                float mask[segment];
                for (int i = 0; i < segment; ++i) mask[i] = random[i] >= limit ? 1.f : 0.f;
                const Scalar* x = a.x.template as<Scalar>() + n * C + c;
                Scalar* y = a.y.template as<Scalar>() + n * C + c;
                sweep(std::min(segment, C - c), [&](int64_t i, auto lanes) {
                    const Floats kept = choose(load(mask + i) > 0.f, load(x + i, lanes) / keep_probability, Floats{});
                    store(y + i, residual ? load(residual + n * C + c + i, lanes) + rounded(kept, Scalar()) : kept,
                          lanes);
                });
            }
    });
}

}  // namespace

void dropout(const Dropout& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) { drop<decltype(kind)>(a, nullptr); });
}

void add_dropout(const AddDropout& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) { drop(a, a.a.as<decltype(kind)>()); });
}

}  // namespace gradus::cpu
