// Noise: random words for a segment of a row, as signed integers, then the sum.
#include "kernels/noise.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/philox.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

constexpr int64_t segment = 4 * counters;  // channels per call of the generator

template <class Scalar>
void add(const AddNoise& a) {
    const int64_t N = a.x.rows(), C = a.x.last();
    const uint64_t key = *a.key;
    const int64_t row = a.first_row + (a.batch_row ? *a.batch_row : 0);
    parallel(N, std::max<int64_t>(1, (1 << 11) / C), [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; ++n) {
            const float amplitude = a.amplitude.as<float>()[n];
            for (int64_t c = 0; c < C; c += segment) {
                uint32_t random[segment];
                all_words(random, key, uint64_t(row + n), uint64_t(c / 4));
                float u[segment];  // a word less 2³¹ is the word with its upper bit flipped, read as a signed one
                for (int i = 0; i < segment; ++i) u[i] = float(int32_t(random[i] ^ 0x80000000u)) * 0x1p-31f;
                const Scalar* x = a.x.as<Scalar>() + n * C + c;
                Scalar* y = a.y.as<Scalar>() + n * C + c;
                sweep(std::min(segment, C - c), [&](int64_t i, auto lanes) {
                    store(y + i, load(x + i, lanes) + amplitude * load(u + i), lanes);
                });
            }
        }
    });
}

}  // namespace

void add_noise(const AddNoise& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) { add<decltype(kind)>(a); });
}

}  // namespace gradus::cpu
