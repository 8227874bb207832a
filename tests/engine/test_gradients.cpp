// The backward pass of complete models against the derivative of their own forward pass.
//
// Complex-step derivative: the imaginary part of the loss at w + i·h is h times the derivative, without subtraction, so
// h = 1e-30 leaves only rounding errors. The engine itself runs in complex numbers, so the code that trains is tested.
#include <catch2/catch.hpp>

#include "tests/engine/models.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct Case {
    const char* name;
    ModelConfig model;
    double dropout;
    LossConfig loss;
};

double worst_gradient_error(const Case& c, bool recompute) {
    const int B = 2, T = 7;
    const HostBatch host = packed_batch(B, T, c.model.V);
    const double scale = 1.0 / double(host.valid_targets()), h = 1e-30;
    const DropoutState dropout = {c.dropout};

    Bench real(reference_ops(), c.model, DType::f64, {.B = B, .T = T}, {.training = true, .recompute = recompute});
    Bench probe(reference_ops(), c.model, DType::c128, {.B = B, .T = T});
    scramble<double>(*real.model);
    scramble<c128>(*probe.model);
    real.upload(host);
    probe.upload(host);
    real.batch.dropout = probe.batch.dropout = dropout;
    for (Bench* bench : {&real, &probe}) bench->model->step.upload({.loss_scale = scale}, 5, 2, {});
    real.model->loss_and_backward(real.batch, real.losses, c.loss);

    double worst = 0, largest = 0;
    for (size_t k = 0; k < real.model->weights().size(); ++k) {
        Weight& w = probe.model->weights()[k];
        const double* grad = real.model->weights()[k].grad.as<double>();
        for (int64_t i = 0; i < w.value.size(); ++i) {
            c128& x = w.value.as<c128>()[i];
            x += c128(0, h);
            probe.model->loss(probe.batch, probe.losses, c.loss);
            c128 loss = 0;
            for (int64_t n = 0; n < probe.losses.size(); ++n) loss += probe.losses.as<c128>()[n] * scale;
            x = x.real();
            const double error = std::abs(loss.imag() / h - grad[i]);
            if (!(error <= worst)) {
                worst = error;
                UNSCOPED_INFO("worst so far at " << w.name << "[" << i << "]: " << error);
            }
            largest = std::max(largest, std::abs(grad[i]));
        }
    }
    REQUIRE(largest > 1e-3);
    return worst;
}

ModelConfig with(ModelConfig m, void (*change)(ModelConfig&)) {
    change(m);
    return m;
}

}  // namespace

TEST_CASE("the gradient of every weight of a complete model is the derivative of its loss") {
    const auto c = GENERATE(
        Case{"GPT-2, tied head", tiny_gpt2(), 0, {}},
        Case{"GPT-2 with dropout, label smoothing and z-loss", tiny_gpt2(), 0.3, {0.1, 1e-2}},
        Case{"GPT-2 without biases, own head",
             with(tiny_gpt2(),
                  [](ModelConfig& m) {
                      m.bias = false;
                      m.tied = false;
                  }),
             0,
             {}},
        Case{"LLaMA, grouped heads, scaled rotary positions", tiny_llama(), 0, {}},
        Case{
            "LLaMA, tied head, dropout", with(tiny_llama(), [](ModelConfig& m) { m.tied = true; }), 0.2, {0.05, 1e-3}});
    INFO(c.name);
    const double worst = worst_gradient_error(c, false);
    REQUIRE(worst <= 1e-13);
}

TEST_CASE("the gradients with recomputation are derivatives too") {
    REQUIRE(worst_gradient_error({"", tiny_gpt2(), 0.3, {}}, true) <= 1e-13);
    REQUIRE(worst_gradient_error({"", tiny_llama(), 0, {}}, true) <= 1e-13);
}
