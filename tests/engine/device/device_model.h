#pragma once
// Models in device memory: data is copied only through the table.
#include <cstring>

#include "tests/engine/models.h"
#include "tests/kernels/table/tested.h"

namespace gradus::test {

inline void write(const Ops& ops, const Tensor& t, const std::vector<double>& numbers) {
    std::vector<std::byte> host(t.bytes());
    const Tensor here = {host.data(), t.dtype, t.shape};
    for (int64_t i = 0; i < t.size(); ++i) {
        const double x = numbers[size_t(i)];
        if (t.dtype == DType::f64) here.as<double>()[i] = x;
        else if (t.dtype == DType::f32) here.as<float>()[i] = float(x);
        else here.as<bf16>()[i] = bf16(float(x));
    }
    ops.copy_to_device(t.data, host.data(), host.size(), {});
    ops.synchronise({});
}

// The weights of another model of the same shapes.
inline void take_weights(LanguageModel& model, LanguageModel& from) {
    for (size_t i = 0; i < model.weights().size(); ++i)
        write(model.run.ops, model.weights()[i].value, read(from.run.ops, from.weights()[i].value));
}

// Random values, far from the initial ones and exact in bf16, so that every dtype has the same weights.
inline void scramble_on(LanguageModel& model, unsigned seed = 7) {
    std::mt19937 rng(seed);
    std::normal_distribution<double> normal(0, 0.3);
    for (Weight& w : model.weights()) {
        std::vector<double> numbers(size_t(w.value.size()));
        for (double& x : numbers) x = double(float(bf16(float((w.spec.init == Init::one ? 1 : 0) + normal(rng)))));
        write(model.run.ops, w.value, numbers);
    }
}

inline const std::vector<std::pair<const char*, ModelConfig>>& tiny_models() {
    static const std::vector<std::pair<const char*, ModelConfig>> models = {{"gpt2", tiny_gpt2()},
                                                                            {"llama", tiny_llama()}};
    return models;
}

// A sample is a function of its index.
inline NextBatch samples_of(int V) {
    return [V](int64_t first, HostBatch& batch) { batch = packed_batch(batch.B, batch.T, V, unsigned(100 + first)); };
}

// A model and its trainer.
struct Training {
    std::unique_ptr<LanguageModel> model;
    Trainer trainer;

    Training(const Ops& ops, const ModelConfig& m, DType dtype, const TrainerConfig& c, Mode mode = {.training = true})
        : model(make_language_model(ops, m, dtype, {.B = c.micro_batch, .T = c.context}, mode)),
          trainer((initialise(*model, 11), *model), c) {}

    std::vector<double> losses(int64_t from, int64_t to) {
        std::vector<double> all;
        for (int64_t step = from; step < to; ++step)
            all.push_back(trainer.step(step, samples_of(model->config().V)).loss);
        return all;
    }
    std::vector<std::byte> weight_bits() { return bytes_of(model->run.ops, model->parameters.values.flat()); }
};

inline TrainerConfig trainer_settings(double dropout = 0) {
    TrainerConfig c;
    c.batch = 4;
    c.micro_batch = 2;
    c.context = 9;
    c.dropout = dropout;
    c.schedule = {Decay::constant, 1e-2, 0, 2, 1000, 0};
    return c;
}

}  // namespace gradus::test
