// Rope: the table row of a position is unpacked once for all heads of a row.
#include <string>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vector.h"
#include "kernels/parallel.h"
#include "kernels/rope.h"

namespace gradus::cpu {

namespace {

constexpr int64_t block = 64;  // pairs unpacked at a time

struct Angles {
    float cosine[block], sine[block];
};

template <class Scalar>
void rotate_half_split(Scalar* x, int64_t R, const Angles& t, int64_t first, int64_t count) {
    Scalar *low = x + first, *high = x + first + R;
    sweep(count, [&](int64_t i, auto lanes) {
        const Floats a = load(low + i, lanes), b = load(high + i, lanes), c = load(t.cosine + i), s = load(t.sine + i);
        store(low + i, a * c - b * s, lanes);
        store(high + i, b * c + a * s, lanes);
    });
}

template <class Scalar>
void rotate_interleaved(Scalar* x, const Angles& t, int64_t first, int64_t count) {
    x += 2 * first;
    for (int64_t i = 0; i < count; ++i) {
        const float a = float(x[2 * i]), b = float(x[2 * i + 1]), c = t.cosine[i], s = t.sine[i];
        x[2 * i] = Scalar(a * c - b * s);
        x[2 * i + 1] = Scalar(b * c + a * s);
    }
}

template <class Scalar>
void rotate(const Rope& a, float direction) {
    const int64_t N = a.x.rows(), W = a.x.last(), P = a.rope_table.shape.dim[0], R = a.rope_table.shape.dim[1];
    for (int64_t n = 0; n < N; ++n) {
        const int32_t p = a.positions.as<int32_t>()[n];
        CHECK(p >= 0 && p < P, "position " + std::to_string(p) + " is not in [0, " + std::to_string(P) + ")");
    }
    parallel(N, std::max<int64_t>(1, (1 << 13) / W), [&](int64_t first_row, int64_t last_row) {
        for (int64_t n = first_row; n < last_row; ++n)
            for (int64_t first = 0; first < R; first += block) {
                const int64_t count = std::min(block, R - first);
                const float* pairs = a.rope_table.as<float>() + (a.positions.as<int32_t>()[n] * R + first) * 2;
                Angles t = {};
                for (int64_t i = 0; i < count; ++i) {
                    t.cosine[i] = pairs[2 * i];
                    t.sine[i] = direction * pairs[2 * i + 1];
                }
                for (int64_t h = 0; h < a.heads; ++h) {
                    Scalar* x = a.x.as<Scalar>() + n * W + h * a.D;
                    if (a.layout == RopeLayout::half_split) rotate_half_split(x, R, t, first, count);
                    else rotate_interleaved(x, t, first, count);
                }
            }
    });
}

}  // namespace

void rope_forward(const Rope& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) { rotate<decltype(kind)>(a, 1); });
}

void rope_backward(const Rope& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) { rotate<decltype(kind)>(a, -1); });
}

}  // namespace gradus::cpu
