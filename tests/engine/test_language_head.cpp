// The language head: log-probabilities of targets and the gradient of any objective of them.
#include <catch2/catch.hpp>

#include <cmath>

#include "tests/engine/models.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int B = 2, T = 7;

// J = Σ_n c[n]·log_prob[n] + ½·log_prob[n]², which is not a cross-entropy.
template <class Scalar>
Scalar objective(const Scalar* log_probs, int64_t n) {
    Scalar j = 0;
    for (int64_t i = 0; i < n; ++i) j += (0.3 - 0.1 * double(i)) * log_probs[i] + 0.5 * log_probs[i] * log_probs[i];
    return j;
}

// Additional rows for the batch of a Bench.
struct Rows {
    Arena arena;
    Tensor log_probs, d_log_probs, d_hidden;

    Rows(const Ops& ops, const Run& r) : arena(ops, "rows") {
        arena.declare("log_probs", log_probs, {B * T}, r.accumulator());
        arena.declare("d_log_probs", d_log_probs, {B * T}, r.accumulator());
        arena.declare("d_hidden", d_hidden, {B * T, r.d.C}, r.dtype);
        arena.allocate();
    }
};

}  // namespace

TEST_CASE("log-probabilities of targets equal those of the logits at that temperature, and are 0 for ignored targets") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()})
        for (double temperature : {1.0, 0.7, 2.0}) {
            Bench bench(reference_ops(), m, DType::f64, {.B = B, .T = T});
            Rows rows(reference_ops(), bench.model->run);
            scramble<double>(*bench.model);
            const HostBatch host = packed_batch(B, T, m.V);
            bench.upload(host);
            const Tensor hidden = bench.model->body->forward(bench.batch);
            bench.model->head.log_probs(bench.losses, rows.log_probs, hidden, bench.batch.targets, temperature);
            bench.model->head.logits(bench.logits, hidden);
            for (int64_t n = 0; n < B * T; ++n) {
                const int32_t target = host.targets[size_t(n)];
                const double found = rows.log_probs.as<double>()[n];
                REQUIRE(bench.losses.as<double>()[n] == -found);
                if (target < 0) {
                    REQUIRE(found == 0);
                    continue;
                }
                const double* z = bench.logits.as<double>() + n * m.V;
                double total = 0;
                for (int v = 0; v < m.V; ++v) total += std::exp(z[v] / temperature);
                REQUIRE(std::abs(found - (z[target] / temperature - std::log(total))) <= 1e-12);
            }
        }
}

TEST_CASE("any objective of log-probabilities has the complex-step gradient, in every weight") {
    const double h = 1e-30, temperature = 0.8;
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        Bench real(reference_ops(), m, DType::f64, {.B = B, .T = T}, {.training = true});
        Bench probe(reference_ops(), m, DType::c128, {.B = B, .T = T});
        Rows rows(reference_ops(), real.model->run), of_probe(reference_ops(), probe.model->run);
        scramble<double>(*real.model);
        scramble<c128>(*probe.model);
        const HostBatch host = packed_batch(B, T, m.V);
        real.upload(host);
        probe.upload(host);

        LanguageHead& head = real.model->head;
        const Tensor hidden = real.model->body->forward(real.batch), targets = real.batch.targets;
        head.log_probs(real.losses, rows.log_probs, hidden, targets, temperature);
        for (int64_t n = 0; n < B * T; ++n)
            rows.d_log_probs.as<double>()[n] = 0.3 - 0.1 * double(n) + rows.log_probs.as<double>()[n];
        head.log_probs_backward(real.losses, rows.d_hidden, rows.d_log_probs, hidden, targets, temperature);
        real.model->body->backward(real.batch, rows.d_hidden);

        double worst = 0, largest = 0;
        for (size_t k = 0; k < real.model->weights().size(); ++k) {
            const Tensor value = probe.model->weights()[k].value, grad = real.model->weights()[k].grad;
            for (int64_t i = 0; i < value.size(); i += 3) {
                c128& x = value.as<c128>()[i];
                x += c128(0, h);
                probe.model->head.log_probs(probe.losses, of_probe.log_probs, probe.model->body->forward(probe.batch),
                                            probe.batch.targets, temperature);
                x = x.real();
                const double found = objective(of_probe.log_probs.as<c128>(), B * T).imag() / h;
                worst = std::max(worst, std::abs(found - grad.as<double>()[i]));
                largest = std::max(largest, std::abs(found));
            }
        }
        REQUIRE(largest > 1e-2);
        REQUIRE(worst <= 1e-13 * std::max(1.0, largest));
    }
}

TEST_CASE("cross-entropy is the objective with gradient −scale for every target") {
    const ModelConfig m = tiny_gpt2();
    const HostBatch host = packed_batch(B, T, m.V);
    const double scale = 1.0 / double(host.valid_targets());
    Bench as_loss(reference_ops(), m, DType::f64, {.B = B, .T = T}, {.training = true});
    Bench as_policy(reference_ops(), m, DType::f64, {.B = B, .T = T}, {.training = true});
    Rows rows(reference_ops(), as_policy.model->run);
    for (Bench* b : {&as_loss, &as_policy}) {
        scramble<double>(*b->model);
        b->upload(host);
    }
    as_loss.model->step.upload({.loss_scale = scale}, {});
    as_loss.model->loss_and_backward(as_loss.batch, as_loss.losses);
    for (double& x : std::span(rows.d_log_probs.as<double>(), B * T)) x = -scale;
    const Tensor hidden = as_policy.model->body->forward(as_policy.batch);
    as_policy.model->head.log_probs_backward(as_policy.losses, rows.d_hidden, rows.d_log_probs, hidden,
                                             as_policy.batch.targets);
    as_policy.model->body->backward(as_policy.batch, rows.d_hidden);
    REQUIRE(relative(values<double>(as_policy.model->parameters.grads.flat()),
                     values<double>(as_loss.model->parameters.grads.flat())) <= 1e-14);
}
