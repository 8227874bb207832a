#include "engine/layers/rope.h"

#include <cmath>
#include <numbers>

#include "kernels/scalar.h"

namespace gradus {

std::vector<double> rope_frequencies(const ModelConfig& m) {
    const int R = m.D / 2;
    const RopeScaling& s = m.rope.scaling;
    std::vector<double> frequency(size_t(R), 0);
    for (int i = 0; i < R; ++i) {
        double f = std::pow(m.rope.theta, -double(i) / R);
        if (s.factor != 1) {
            const double turns_in_context = s.original_context * f / (2 * std::numbers::pi);
            if (turns_in_context < s.low_frequency_factor) {
                f /= s.factor;
            } else if (turns_in_context <= s.high_frequency_factor) {
                const double mix =
                    (turns_in_context - s.low_frequency_factor) / (s.high_frequency_factor - s.low_frequency_factor);
                f *= (1 - mix) / s.factor + mix;
            }
        }
        frequency[size_t(i)] = f;
    }
    return frequency;
}

namespace {

template <class Scalar>
void fill(const Ops& ops, const std::vector<double>& frequency, Tensor rope_table, Stream stream) {
    std::vector<Scalar> table;
    table.reserve(size_t(rope_table.size()));
    for (int64_t p = 0; p < rope_table.shape.dim[0]; ++p)
        for (double f : frequency) {
            table.push_back(Scalar(std::cos(double(p) * f)));
            table.push_back(Scalar(std::sin(double(p) * f)));
        }
    ops.copy_to_device(rope_table.data, table.data(), rope_table.bytes(), stream);
    ops.synchronise(stream);
}

}  // namespace

void fill_rope_table(const Ops& ops, const ModelConfig& m, Tensor rope_table, Stream stream) {
    const auto frequency = rope_frequencies(m);
    CHECK(rope_table.shape.dim[1] == int64_t(frequency.size()) && rope_table.shape.dim[2] == 2,
          "rope_table must be [P, D/2, 2]");
    if (rope_table.dtype == DType::f32) fill<float>(ops, frequency, rope_table, stream);
    else if (rope_table.dtype == DType::f64) fill<double>(ops, frequency, rope_table, stream);
    else fill<c128>(ops, frequency, rope_table, stream);
}

}  // namespace gradus
