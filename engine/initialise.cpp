#include "engine/initialise.h"

#include <cmath>

#include "engine/base/philox.h"
#include "engine/base/progress.h"
#include "kernels/scalar.h"

namespace gradus {

namespace {

uint64_t number_of(const std::string& name) {
    uint64_t h = 0;
    for (char c : name) h = key_of(h, uint64_t(uint8_t(c)));
    return h;
}

template <class Scalar>
void fill(const Ops& ops, const Weight& w, double std, uint64_t seed, Stream stream) {
    const Philox random{key_of(seed, number_of(w.name))};
    std::vector<Scalar> values(size_t(w.value.size()));
    const int64_t columns = as_matrix(w.value).last(), all_columns = w.whole.shape.size() / w.whole.shape.dim[0];
    for (const WeightSlice& p : w.slices) {
        const int64_t count = p.rows * columns;
#pragma omp parallel for
        for (int64_t i = 0; i < count; ++i) {
            const int64_t number = (p.logical_row + i / columns) * all_columns + p.logical_column + i % columns;
            const double value = w.spec.init == Init::zero  ? 0
                                 : w.spec.init == Init::one ? 1
                                                            : std * random.normal(uint64_t(number));
            Scalar& to = values[size_t(p.row * columns + i)];
            if constexpr (std::is_same_v<Scalar, bf16>) to = bf16(float(value));
            else to = Scalar(value);
        }
    }
    add_progress(w.value.bytes());
    ops.copy_to_device(w.value.data, values.data(), w.value.bytes(), stream);
    ops.synchronise(stream);
}

}  // namespace

void initialise(Parameters& parameters, const ModelConfig& m, uint64_t seed) {
    const Ops& ops = parameters.runtime.ops;
    const Stream stream = parameters.runtime.stream;
    for (const Weight& w : parameters.weights()) {
        const double std = w.spec.init == Init::residual ? m.init_std / std::sqrt(2.0 * m.L)
                           : w.spec.init == Init::fan_in ? 1 / std::sqrt(double(w.whole.shape.dim[1]) + 1)
                                                         : m.init_std;
        switch (w.value.dtype) {
            case DType::f32: fill<float>(ops, w, std, seed, stream); break;
            case DType::bf16: fill<bf16>(ops, w, std, seed, stream); break;
            case DType::f64: fill<double>(ops, w, std, seed, stream); break;
            default: fill<c128>(ops, w, std, seed, stream);
        }
    }
}

}  // namespace gradus
