#include "engine/gradient_step.h"

#include <cmath>
#include <span>

#include "engine/batch.h"

namespace gradus {

GradientStep::GradientStep(Parameters& parameters, const UpdateConfig& c, const Mesh& mesh, int64_t rows)
    : parameters_(parameters),
      schedule_(c.schedule),
      mesh_(mesh),
      optimizer_(parameters, c.optimizer, mesh),
      stability_(c.stability),
      on_host_(parameters.runtime.ops, "losses on the host", ArenaMemory::host) {
    CHECK(parameters.runtime.tp.size == mesh.tp.size, "the parameters were made for another mesh");
    on_host_.declare("losses", host_losses_, {rows}, parameters.runtime.accumulator());
    on_host_.declare("squared norm", host_squared_norm_, {1}, DType::f64);
    on_host_.allocate();
}

void GradientStep::begin(int64_t step, Gradients gradients) {
    step_ = step;
    lr_ = learning_rate(schedule_, step) * stability_.state().rate;
    mesh_.world.set_step(step + 1);
    parameters_.zero_gradients(gradients == Gradients::zero);
}

StepValues GradientStep::values(double loss_scale) const {
    StepValues values = optimizer_.step_values(step_, lr_);
    values.loss_scale = loss_scale;
    return values;
}

BucketDone GradientStep::exchange() {
    if (mesh_.dp.size == 1) return {};
    return [this](int bucket) { optimizer_.sum_gradients(bucket); };
}

StepResult GradientStep::finish(Tensor losses, double scale, int64_t targets) {
    const Ops& ops = parameters_.runtime.ops;
    const Stream stream = parameters_.runtime.stream;
    const Tensor squared_norm = optimizer_.squared_norm();
    ops.copy_to_host(host_losses_.data, losses.data, losses.bytes(), stream);
    ops.copy_to_host(host_squared_norm_.data, squared_norm.data, squared_norm.bytes(), stream);
    ops.synchronise(stream);  // the only synchronisation of a step: the verdict depends on these numbers
    return update(sum_of_losses(host_losses_) * scale, targets);
}

StepResult GradientStep::finish(double loss, int64_t targets) {
    const Ops& ops = parameters_.runtime.ops;
    const Stream stream = parameters_.runtime.stream;
    const Tensor squared_norm = optimizer_.squared_norm();
    ops.copy_to_host(host_squared_norm_.data, squared_norm.data, squared_norm.bytes(), stream);
    ops.synchronise(stream);
    return update(loss, targets);
}

StepResult GradientStep::update(double loss, int64_t targets) {
    // Summed over one rank of tp each, so that every rank has the same bits and the same verdict.
    if (mesh_.tp.rank > 0) loss = 0;
    mesh_.world.sum(std::span(&loss, 1));
    StepResult result{.step = step_, .loss = loss, .tokens = targets};
    result.lr = lr_;
    result.grad_norm = std::sqrt(*host_squared_norm_.as<double>());
    complete_ = false;
    result.verdict = stability_.judge(result.loss, result.grad_norm);
    if (result.verdict == Verdict::take) optimizer_.update(step_);
    complete_ = true;
    return result;
}

}  // namespace gradus
