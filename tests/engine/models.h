#pragma once
// Small models and batches for the tests of the engine.
#include <complex>
#include <cstring>
#include <random>

#include "engine/initialise.h"
#include "engine/loop/validation.h"
#include "engine/trainer.h"
#include "kernels/scalar.h"

namespace gradus::test {

inline ModelConfig tiny_gpt2() {
    ModelConfig m;
    m.L = 2;
    m.C = 12;
    m.H = m.G = 3;
    m.D = 4;
    m.F = 20;
    m.V = 19;
    m.context = 11;
    return m;
}

inline ModelConfig tiny_llama() {
    ModelConfig m;
    m.family = "llama";
    m.norm.kind = Norm::rms;
    m.position = Position::rotary;
    m.activation = Activation::silu;
    m.gated = true;
    m.bias = false;
    m.tied = false;
    m.L = 2;
    m.C = 10;
    m.H = 4;
    m.G = 2;
    m.D = 6;  // H·D ≠ C on purpose
    m.F = 14;
    m.V = 17;
    m.context = 11;
    m.rope.scaling = {4, 1, 4, 8};
    return m;
}

// The same random weights for every dtype: far from the initial ones, so that every term of every formula matters.
template <class Scalar>
void scramble(LanguageModel& model, unsigned seed = 7) {
    std::mt19937 rng(seed);
    std::normal_distribution<double> normal(0, 0.3);
    for (Weight& w : model.weights())
        for (int64_t i = 0; i < w.value.size(); ++i)
            w.value.as<Scalar>()[i] = Scalar((w.spec.init == Init::one ? 1 : 0) + normal(rng));
}

// Documents packed into each row: lengths drawn, positions restart, keys stop at the document's start; some targets
// are ignored.
inline HostBatch packed_batch(int B, int T, int V, unsigned seed = 3) {
    HostBatch host(B, T);
    std::mt19937 rng(seed);
    for (int b = 0; b < B; ++b) {
        int start = 0;
        for (int t = 0; t < T; ++t) {
            if (t > start && rng() % 4 == 0) start = t;
            const size_t i = size_t(b * T + t);
            host.tokens[i] = int32_t(rng() % unsigned(V));
            host.targets[i] = rng() % 7 == 0 ? -1 : int32_t(rng() % unsigned(V));
            host.positions[i] = t - start;
            host.first_key[i] = start;
        }
    }
    return host;
}

// A model with inputs for one batch of its size.
struct Bench {
    std::unique_ptr<LanguageModel> model;
    Arena inputs, on_host;
    Batch batch;
    StagedBatch staged;
    Tensor losses, logits;

    Bench(const Ops& ops, const ModelConfig& m, DType dtype, BatchShape shape, Mode mode = {})
        : model(make_language_model(ops, m, dtype, shape, mode)),
          inputs(ops, "inputs"),
          on_host(ops, "inputs on the host", ArenaMemory::host) {
        batch.declare(inputs, shape.B, shape.T);
        inputs.declare("losses", losses, {shape.B * shape.T}, accumulator_of(dtype));
        inputs.declare("logits", logits, {shape.B * shape.T, m.V}, dtype);
        inputs.allocate();
        staged.declare(on_host, shape.B, shape.T);
        on_host.allocate();
    }
    void upload(const HostBatch& host) {  // `staged` is in use until the stream is synchronised
        staged.take(host);
        batch.upload(model->run.ops, staged, {});
    }
};

// All logits [N,V] of a small batch, on one rank.
inline void logits_of(LanguageModel& model, const Batch& batch, Tensor logits) {
    model.head.logits(logits, model.body->forward(batch));
}

template <class Scalar>
std::vector<double> values(Tensor t) {
    std::vector<double> all;
    for (int64_t i = 0; i < t.size(); ++i) all.push_back(double(t.as<Scalar>()[i]));
    return all;
}

inline double worst_difference(const std::vector<double>& a, const std::vector<double>& b) {
    double worst = a.size() == b.size() ? 0 : INFINITY;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        const double d = std::abs(a[i] - b[i]);
        if (!(d <= worst)) worst = d;  // NaN counts as worst
    }
    return worst;
}

// A copy in host memory.
inline std::vector<std::byte> bytes_of(const Ops& ops, const Tensor& t) {
    std::vector<std::byte> host(t.bytes());
    ops.copy_to_host(host.data(), t.data, host.size(), {});
    ops.synchronise({});
    return host;
}

// As doubles, from any dtype.
inline std::vector<double> read(const Ops& ops, const Tensor& t) {
    std::vector<std::byte> host = bytes_of(ops, t);
    const Tensor here = {host.data(), t.dtype, t.shape};
    if (t.dtype == DType::f64) return values<double>(here);
    if (t.dtype == DType::f32) return values<float>(here);
    std::vector<double> all;
    for (int64_t i = 0; i < t.size(); ++i) all.push_back(double(float(here.as<bf16>()[i])));
    return all;
}

// The relative error of a tensor: its largest difference over its largest value.
inline double relative(const std::vector<double>& found, const std::vector<double>& expected) {
    double largest = 1e-30;
    for (double x : expected) largest = std::max(largest, std::abs(x));
    return worst_difference(found, expected) / largest;
}

}  // namespace gradus::test
