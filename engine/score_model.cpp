#include "engine/score_model.h"

namespace gradus {

ScoreModel::ScoreModel(const Ops& ops, const ModelConfig& m, DType dtype, BatchShape shape, Mode mode, Comm tp)
    : compute_(ops),
      step(ops, m.L),
      run{{ops, dtype, tp, compute_.stream(), step.pointers(), mode.captures(ops, tp)},
          dims_of(m, shape.B, shape.T, tp.size),
          m},
      parameters(run),
      activations(ops, "activations"),
      body(make_model(run, mode, parameters, activations)),
      head(run, parameters) {
    if (mode.training) activations.declare("d_hidden", d_hidden_, {run.d.N(), run.d.C}, dtype);
    parameters.allocate(mode.training, mode.parts);
    activations.allocate();
    body->ready();
}

void ScoreModel::forward(const Batch& batch, Tensor values) {
    hidden_ = body->forward(batch);
    head.forward(values, hidden_);
}

void ScoreModel::backward(const Batch& batch, Tensor d_values, const BucketDone& done) {
    head.backward(d_hidden_, d_values, hidden_);
    body->backward(batch, d_hidden_, done);
}

}  // namespace gradus
