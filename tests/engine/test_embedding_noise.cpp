// Noise on the embeddings in training: engine/noise.
#include <catch2/catch.hpp>

#include <cmath>

#include "engine/noise.h"
#include "tests/engine/models.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int context = 9;

NextBatch samples_of(int V) {
    return [V](int64_t first, HostBatch& batch) {
        HostBatch all = packed_batch(8, batch.T, V, 5);
        const auto take = [&](std::vector<int32_t> HostBatch::*column) {
            const auto from = (all.*column).begin() + first % 8 * batch.T;
            std::copy(from, from + batch.B * batch.T, (batch.*column).begin());
        };
        for (auto column : {&HostBatch::tokens, &HostBatch::targets, &HostBatch::positions, &HostBatch::first_key})
            take(column);
    };
}

struct Training {
    std::unique_ptr<LanguageModel> model;
    Trainer trainer;

    Training(const Ops& ops, DType dtype, const ModelConfig& m, const TrainerConfig& c, bool recompute = false)
        : model(make_language_model(ops, m, dtype, {.B = c.micro_batch, .T = c.context},
                                    {.training = true, .recompute = recompute})),
          trainer((initialise(*model, 11), *model), c) {}

    std::vector<double> losses(int from, int to) {
        std::vector<double> all;
        for (int i = from; i < to; ++i) all.push_back(trainer.step(i, samples_of(model->config().V)).loss);
        return all;
    }
};

TrainerConfig settings(double noise, int micro_batch = 4, double lr = 1e-2) {
    TrainerConfig c;
    c.batch = 4;
    c.micro_batch = micro_batch;
    c.context = context;
    c.noise = noise;
    c.schedule = {Decay::constant, lr, 0, 0, 1000, 0};
    return c;
}

}  // namespace

TEST_CASE("the amplitude of a row is that of its conversation's length and of the width") {
    HostBatch host(2, 6);
    host.first_key = {0, 0, 2, 2, 2, 5, 0, 0, 0, 0, 0, 0};
    for (DType t : {DType::f32, DType::f64}) {
        Arena arena(reference_ops(), "amplitudes");
        Tensor amplitude;
        arena.declare("amplitudes", amplitude, {12}, t);
        arena.allocate();
        fill_amplitudes(amplitude, host, 5, 8);
        const std::vector<double> found = read(reference_ops(), amplitude);
        const int lengths[] = {2, 2, 3, 3, 3, 1, 6, 6, 6, 6, 6, 6};
        for (size_t n = 0; n < 12; ++n) REQUIRE(found[n] == Approx(5 / std::sqrt(8.0 * lengths[n])).epsilon(1e-7));
    }
}

TEST_CASE("noise changes the loss of training and not that of validation, and is another one in each step") {
    const ModelConfig m = tiny_llama();
    Training with(reference_ops(), DType::f64, m, settings(5, 4, 0)),
        without(reference_ops(), DType::f64, m, settings(0, 4, 0));
    const std::vector<double> noisy = with.losses(0, 3), plain = without.losses(0, 3);
    for (size_t i = 0; i < 3; ++i) REQUIRE(std::abs(noisy[i] - plain[i]) > 1e-5);
    // Steps 0 and 2 have the same samples and, at a learning rate of 0, the same weights.
    REQUIRE(plain[0] == plain[2]);
    REQUIRE(noisy[0] != noisy[2]);
    const std::vector<int32_t> bytes(size_t(m.V), 1);
    const auto held_out = [&](Training& t) { return validate_loss(*t.model, 8, samples_of(m.V), bytes).nats; };
    REQUIRE(held_out(with) == held_out(without));
}

TEST_CASE("micro-batches, recomputation and a resumed run have the same noise") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        Training whole(reference_ops(), DType::f64, m, settings(5));
        const std::vector<double> losses = whole.losses(0, 5);
        REQUIRE(Training(reference_ops(), DType::f64, m, settings(5), true).losses(0, 5) == losses);
        Training in_ones(reference_ops(), DType::f64, m, settings(5, 1));
        REQUIRE(worst_difference(in_ones.losses(0, 5), losses) <= 1e-12);
        // With the state of step 3, step 3 is the same in another trainer.
        Training first(reference_ops(), DType::f64, m, settings(5)),
            second(reference_ops(), DType::f64, m, settings(5));
        first.losses(0, 3);
        const auto copy = [](const Tensor& to, const Tensor& from) { std::memcpy(to.data, from.data, to.bytes()); };
        copy(second.model->parameters.values.flat(), first.model->parameters.values.flat());
        REQUIRE(second.losses(3, 4)[0] == losses[3]);
    }
}

TEST_CASE("the gradient with noise is the derivative of the loss with the same noise") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        Training t(reference_ops(), DType::f64, m, settings(5, 2, 0));
        t.losses(0, 1);
        std::vector<std::vector<double>> gradients;
        for (const Weight& w : t.model->weights()) gradients.push_back(values<double>(w.grad));
        for (size_t k = 0; k < gradients.size(); ++k) {
            double& x = t.model->weights()[k].value.as<double>()[gradients[k].size() / 2];
            const double before = x, h = 1e-5;
            x = before + h;
            const double above = t.losses(0, 1)[0];
            x = before - h;
            const double below = t.losses(0, 1)[0];
            x = before;
            INFO(t.model->weights()[k].name);
            REQUIRE(std::abs((above - below) / (2 * h) - gradients[k][gradients[k].size() / 2]) <= 1e-8);
        }
    }
}

TEST_CASE("the CPU's noise is the reference's, in f32") {
    const ModelConfig m = tiny_gpt2();
    Training fast(cpu_ops(), DType::f32, m, settings(5)), slow(reference_ops(), DType::f64, m, settings(5));
    REQUIRE(worst_difference(fast.losses(0, 4), slow.losses(0, 4)) <= 1e-5);
}
