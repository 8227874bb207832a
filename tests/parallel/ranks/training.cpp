#include "tests/parallel/ranks/training.h"

#include "engine/checkpoint/snapshot.h"

namespace gradus {

ModelConfig shared_gpt2() {
    ModelConfig m = test::tiny_gpt2();
    m.C = 16;
    m.H = m.G = 4;
    m.D = 4;
    m.F = 24;
    m.V = 19;
    m.context = context;
    return m;
}

ModelConfig shared_llama(int kv_heads) {
    ModelConfig m = test::tiny_llama();
    m.C = 10;
    m.H = 8;
    m.G = kv_heads;
    m.D = 6;
    m.F = 28;
    m.V = 17;
    m.context = context;
    return m;
}

NextBatch samples_of(int V) {
    return [V](int64_t first, HostBatch& all) {
        for (int b = 0; b < all.B; ++b) {
            const HostBatch one = test::packed_batch(1, all.T, V, unsigned(100 + first + b));
            const auto at = long(b) * all.T;
            std::copy(one.tokens.begin(), one.tokens.end(), all.tokens.begin() + at);
            std::copy(one.targets.begin(), one.targets.end(), all.targets.begin() + at);
            std::copy(one.positions.begin(), one.positions.end(), all.positions.begin() + at);
            std::copy(one.first_key.begin(), one.first_key.end(), all.first_key.begin() + at);
        }
    };
}

namespace {

Mode mode_of(const Course& c, const Mesh& mesh) {
    return {.training = true, .recompute = c.recompute, .parts = c.sharded ? mesh.dp.size : 1};
}

TrainerConfig settings_of(const Course& c, int micro_batch) {
    TrainerConfig t;
    t.batch = batch;
    t.micro_batch = micro_batch;
    t.context = context;
    t.dropout = c.dropout;
    t.loss = {0.1, 1e-3};
    t.schedule = {Decay::constant, c.lr, 0, 0, 1000, 0};
    t.optimizer.sharded = c.sharded;
    t.optimizer.clip = c.clip;
    if (c.decay_alone) {
        t.optimizer.eps = 1e300;
        t.optimizer.weight_decay = 0.5;
        t.optimizer.stochastic_rounding = true;
    }
    return t;
}

}  // namespace

Training::Training(const Course& c, const Mesh& m, int micro_batch)
    : mesh(m),
      model(make_language_model(c.ops, c.model, c.dtype, {.B = micro_batch, .T = context}, mode_of(c, m), m.tp)),
      trainer((initialise(*model, 5), *model), settings_of(c, micro_batch), m),
      samples(samples_of(c.model.V)) {}

std::vector<StepResult> Training::steps(int64_t from, int64_t to) {
    std::vector<StepResult> all;
    for (int64_t i = from; i < to; ++i) all.push_back(trainer.step(i, samples));
    return all;
}

std::vector<double> Training::losses(int64_t from, int64_t to) {
    std::vector<double> all;
    for (const StepResult& r : steps(from, to)) all.push_back(r.loss);
    return all;
}

// Under AdamW's first step m = (1 − β₁)·gradient, clipped by one factor for all.
std::vector<std::vector<double>> Training::gradients() {
    steps(0, 1);
    const Snapshot s = Snapshot::copy(*model, trainer.optimizer(), mesh);
    std::vector<std::vector<double>> all;
    for (const LogicalTensor& t : s.optimizer)
        if (t.name.rfind("m.", 0) == 0)
            all.push_back(t.value.dtype == DType::f64 ? test::values<double>(t.value) : test::values<float>(t.value));
    return all;
}

double worst_relative(const std::vector<double>& a, const std::vector<double>& b, double floor) {
    double worst = a.size() == b.size() ? 0 : INFINITY;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        const double d = std::abs(a[i] - b[i]) / std::max(std::abs(b[i]), floor);
        if (!(d <= worst)) worst = d;
    }
    return worst;
}

std::vector<MeshSizes> meshes_of(int ranks) {
    std::vector<MeshSizes> all;
    for (int dp : {1, 2, 4})
        for (int tp : {1, 2, 4})
            if (dp * tp > 1 && ranks % (dp * tp) == 0) all.push_back({.dp = dp, .tp = tp});
    return all;
}

}  // namespace gradus
