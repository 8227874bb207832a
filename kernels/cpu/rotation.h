#pragma once
// Rotation of heads (kernels/rope.h), for rope and for the op that also normalises them.
#include <algorithm>
#include <string>

#include "kernels/cpu/vector.h"
#include "kernels/rope.h"

namespace gradus::cpu {

constexpr int64_t angle_block = 64;  // pairs unpacked at a time

struct Angles {
    float cosine[angle_block], sine[angle_block];

    // `count` (cos, sin) pairs of a row of rope_table
    Angles(const float* pairs, int64_t count, float direction) {
        for (int64_t i = 0; i < count; ++i) {
            cosine[i] = pairs[2 * i];
            sine[i] = direction * pairs[2 * i + 1];
        }
    }
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

// Rotates `heads` heads, D apart, by the angles of one position: pairs is its row of rope_table.
template <class Scalar>
void rotate_heads(Scalar* x, int64_t heads, int64_t D, const float* pairs, int64_t R, RopeLayout layout,
                  float direction) {
    for (int64_t first = 0; first < R; first += angle_block) {
        const int64_t count = std::min(angle_block, R - first);
        const Angles t(pairs + 2 * first, count, direction);
        for (int64_t h = 0; h < heads; ++h) {
            if (layout == RopeLayout::half_split) rotate_half_split(x + h * D, R, t, first, count);
            else rotate_interleaved(x + h * D, t, first, count);
        }
    }
}

inline void check_positions(const Tensor& positions, int64_t P) {
    for (int64_t n = 0; n < positions.size(); ++n) {
        const int32_t p = positions.as<int32_t>()[n];
        CHECK(p >= 0 && p < P, "position " + std::to_string(p) + " is not in [0, " + std::to_string(P) + ")");
    }
}

}  // namespace gradus::cpu
