#include "align/policy/value_scale.h"

#include <algorithm>
#include <vector>

#include "engine/base/error.h"

namespace gradus {

namespace {

double spread_of(const ScoreShape& s) { return s.sd > 0 ? s.sd : 1; }

template <class Scalar>
void divide(const Runtime& run, Tensor t, double by) {
    std::vector<Scalar> values(size_t(t.size()));
    run.ops.copy_to_host(values.data(), t.data, t.bytes(), run.stream);
    run.ops.synchronise(run.stream);
    for (Scalar& x : values) x = Scalar(double(x) / by);
    run.ops.copy_to_device(t.data, values.data(), t.bytes(), run.stream);
    run.ops.synchronise(run.stream);
}

// The tensor is one of full precision: a master, or a weight that is its own master.
void divide_precise(const Runtime& run, Tensor t, double by) {
    CHECK(t.dtype == DType::f32 || t.dtype == DType::f64);
    if (t.dtype == DType::f64) divide<double>(run, t, by);
    else divide<float>(run, t, by);
}

}  // namespace

void scale_to_rewards(ScoreModel& model, Optimizer& optimizer, const ScoreShape& shape) {
    const std::vector<Weight>& weights = model.parameters.weights();
    const auto head =
        std::find_if(weights.begin(), weights.end(), [](const Weight& w) { return w.name == scalar_head_tensor; });
    CHECK(head != weights.end());
    const size_t i = size_t(head - weights.begin());
    const Runtime& run = model.parameters.runtime;
    if (!optimizer.has(Optimizer::State::master, i)) return divide_precise(run, head->value, spread_of(shape));
    {
        Optimizer::StateAccess masters = optimizer.read(Optimizer::State::master);
        divide_precise(run, masters.of(i), spread_of(shape));
        masters.store();
    }
    optimizer.weights_from_masters();
}

double offset_of_values(const ScoreShape& shape) { return -shape.mean / spread_of(shape); }

}  // namespace gradus
