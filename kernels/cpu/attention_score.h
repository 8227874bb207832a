#pragma once
// The score functions of attention on a register with the scores of neighbouring keys: kernels/attention_score.h.
#include "kernels/attention_score.h"
#include "kernels/cpu/vector_math.h"

namespace gradus {

template <>
struct ScoreValue<cpu::Floats> {
    static constexpr int width = cpu::width;

    static cpu::Floats tanh(cpu::Floats x) { return cpu::hyperbolic_tangent(x); }
    static cpu::Floats distance(int32_t first) {
        return __builtin_convertvector(cpu::numbers_from(first), cpu::Floats);
    }
    static cpu::Floats look_up(const float* nearest, int32_t reach, int32_t first) {
        if (first >= -reach && first + width - 1 <= reach) return cpu::load(nearest + first);
        cpu::Floats x = {};
        for (int i = 0; i < width; ++i) x[i] = nearest[nearest_distance(first + i, reach)];
        return x;
    }
};

namespace cpu {

// table[distance] += x of the distances first, first + 1, …: the gradient of look_up().
inline void add_at(float* nearest, int32_t reach, int32_t first, Floats x) {
    if (first >= -reach && first + width - 1 <= reach) return store(nearest + first, load(nearest + first) + x);
    for (int i = 0; i < width; ++i) nearest[nearest_distance(first + i, reach)] += x[i];
}

}  // namespace cpu

}  // namespace gradus
