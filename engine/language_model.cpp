#include "engine/language_model.h"

namespace gradus {

namespace {

Run run_of(const Runtime& runtime, const ModelConfig& m, BatchShape shape) {
    return {runtime, dims_of(m, shape.B, shape.T, runtime.tp.size), m};
}

}  // namespace

LanguageModel::LanguageModel(const Ops& ops, const ModelConfig& m, DType dtype, BatchShape shape, Mode mode, Comm tp)
    : compute_(ops),
      step(ops, m.L),
      run(run_of({ops, dtype, tp, compute_.stream(), step.pointers(), mode.captures(ops, tp)}, m, shape)),
      parameters(run),
      activations(ops, "activations"),
      body(make_model(run, mode, parameters, activations)),
      head(run, *body, parameters, activations) {
    if (mode.training) activations.declare("d_hidden", d_hidden_, {run.d.N(), run.d.C}, dtype);
    parameters.allocate(mode.training, mode.parts);
    activations.allocate();
    body->ready();
}

void LanguageModel::loss(const Batch& batch, Tensor losses, const LossConfig& config) {
    const Tensor hidden = body->forward(batch);
    head.loss(losses, hidden, batch.targets, config);
}

void LanguageModel::loss_and_backward(const Batch& batch, Tensor losses, const LossConfig& config,
                                      const BucketDone& done) {
    CHECK(step.is_uploaded(), "step.upload() comes before loss_and_backward(): without it every gradient is 0");
    const Tensor hidden = body->forward(batch);
    head.loss_and_backward(losses, d_hidden_, hidden, batch.targets, config, batch.first_of_step);
    body->backward(batch, d_hidden_, done);
}

void LanguageModel::log_probs(const Batch& batch, const LogProbs& out, double temperature) {
    hidden_ = body->forward(batch);
    head.log_probs(out.losses, out.log_probs, hidden_, batch.targets, temperature);
}

void LanguageModel::log_probs_backward(const Batch& batch, const LogProbGradients& in, double temperature,
                                       const BucketDone& done) {
    head.log_probs_backward(in.losses, d_hidden_, in.d_log_probs, hidden_, batch.targets, temperature);
    body->backward(batch, d_hidden_, done);
}

std::unique_ptr<LanguageModel> make_language_model(const Ops& ops, const ModelConfig& m, DType dtype, BatchShape shape,
                                                   Mode mode, Comm tp) {
    return std::make_unique<LanguageModel>(ops, m, dtype, shape, mode, tp);
}

std::vector<Weight> weights_of(const ModelConfig& m) {
    const Run run = run_of({reference_ops()}, m, {});
    Parameters parameters(run);
    Arena activations(run.ops, "activations");
    const auto body = make_model(run, {}, parameters, activations);
    const LanguageHead head(run, *body, parameters, activations);
    return parameters.declared();
}

int64_t parameter_count(const ModelConfig& m) {
    ModelConfig one_layer = m;
    one_layer.L = 1;
    int64_t count = 0;
    for (const Weight& w : weights_of(one_layer))
        count += w.whole.shape.size() * (w.name.starts_with("block.") ? m.L : 1);
    return count;
}

}  // namespace gradus
