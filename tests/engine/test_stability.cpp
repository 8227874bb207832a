// Skipped steps and the state after a rollback: engine/stability.h.
#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include "engine/stability.h"
#include "tests/engine/models.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// n steps around loss 3 and norm 1, with a run's noise.
void go_on(Stability& s, int n, int from = 0) {
    for (int i = from; i < from + n; ++i)
        REQUIRE(s.judge(3 + 0.1 * std::sin(i * 12.9), 1 + 0.05 * std::cos(i * 7.7)) == Verdict::take);
}

}  // namespace

TEST_CASE("a loss or a norm above mean + 6 deviations is skipped, and one within them is taken") {
    Stability s;
    go_on(s, 128);
    double mean = 0, squares = 0;
    for (double x : s.state().losses) mean += x / 128;
    for (double x : s.state().losses) squares += (x - mean) * (x - mean);
    const double deviation =
        std::sqrt(squares / 127);  // divided by 128 it would be 0.4 % less, and 5.99 deviations too many
    REQUIRE(s.judge(mean + 5.99 * deviation, 1) == Verdict::take);
    Stability again;
    go_on(again, 128);
    REQUIRE(again.judge(mean + 6.01 * deviation, 1) == Verdict::loss_spike);
    REQUIRE(again.judge(3, 2) == Verdict::norm_spike);
    REQUIRE(again.judge(-100, 0) == Verdict::take);  // low outliers are not skipped
}

TEST_CASE("NaN and infinity are skipped from the first step, spikes only when half of the window is known") {
    const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
    Stability s;
    REQUIRE(s.judge(nan, 1) == Verdict::not_a_number);
    REQUIRE(s.judge(3, infinite) == Verdict::not_a_number);
    go_on(s, 63);
    REQUIRE(s.judge(1000, 1) == Verdict::take);
    Stability later;
    go_on(later, 64);
    REQUIRE(later.judge(1000, 1) == Verdict::loss_spike);
    Stability never({.sigma = 0});
    go_on(never, 128);
    REQUIRE(never.judge(1e30, 1e30) == Verdict::take);
    REQUIRE(never.judge(nan, 1) == Verdict::not_a_number);
}

TEST_CASE("skipped steps do not enter the window, and three in a row cause a rollback") {
    Stability s;
    go_on(s, 100);
    const auto before = s.state().losses;
    for (int i = 0; i < 2; ++i) REQUIRE(s.judge(50, 1) == Verdict::loss_spike);
    REQUIRE_FALSE(s.must_roll_back());
    REQUIRE(s.state().losses == before);
    go_on(s, 1, 100);
    REQUIRE(s.judge(50, 1) == Verdict::loss_spike);
    REQUIRE(s.judge(50, 1) == Verdict::loss_spike);
    REQUIRE_FALSE(s.must_roll_back());  // a good step came between
    REQUIRE(s.judge(50, 1) == Verdict::loss_spike);
    REQUIRE(s.must_roll_back());
    REQUIRE(s.state().skipped == 5);
}

TEST_CASE(
    "a rollback skips the undone samples and lowers the learning rate, also when repeated from the same checkpoint") {
    Stability s;
    go_on(s, 80);
    const StabilityState then = s.state();  // saved here
    go_on(s, 7, 80);
    for (int i = 0; i < 3; ++i) s.judge(50, 1);
    s.rolled_back(then, 90, 80);
    REQUIRE(s.state().losses == then.losses);
    REQUIRE(s.state().norms == then.norms);
    REQUIRE(s.state().data_offset == 10);
    REQUIRE(s.state().rate == 0.5);
    REQUIRE_FALSE(s.must_roll_back());
    for (int i = 0; i < 3; ++i) s.judge(50, 1);
    s.rolled_back(then, 83, 80);
    REQUIRE(s.state().data_offset == 13);
    REQUIRE(s.state().rate == 0.25);
    REQUIRE(s.state().skipped == 6);
}

TEST_CASE(
    "a rollback loads an earlier checkpoint than the last one until the run has passed the step of its divergence") {
    Stability s;
    REQUIRE(s.rollback_limit(1) > 1000000);
    s.rolled_back({}, 90, 80);
    REQUIRE(s.rollback_limit(84) == 80);
    REQUIRE(s.rollback_limit(90) == 80);
    REQUIRE(s.rollback_limit(91) > 1000000);
    s.rolled_back({}, 86, 70);
    REQUIRE(s.rollback_limit(86) == 70);
    REQUIRE(s.rollback_limit(87) > 1000000);
}

TEST_CASE("a restored stability judges, skips and rolls back like the original") {
    Stability s;
    go_on(s, 100);
    for (int i = 0; i < 3; ++i) s.judge(50, 1);
    const StabilityState then = s.state();
    s.rolled_back(then, 103, 90);
    go_on(s, 5, 100);
    s.judge(50, 1);
    Stability restored;
    restored.restore(s.state());
    for (Stability* each : {&s, &restored}) {
        REQUIRE(each->judge(50, 1) == Verdict::loss_spike);
        REQUIRE(each->judge(3, 2) == Verdict::norm_spike);
        REQUIRE(each->must_roll_back());
        REQUIRE(each->rollback_limit(99) == 90);
        each->rolled_back(then, 99, 80);
        REQUIRE(each->judge(3, 1) == Verdict::take);
    }
    REQUIRE(restored.state() == s.state());
    REQUIRE(s.state().rate == 0.25);
    REQUIRE(s.state().data_offset == 13 + 19);
    REQUIRE(s.state().skipped == 6);
    REQUIRE(s.state().losses.size() == 101);
}

TEST_CASE("a step after a rollback uses the samples after the skipped ones, at the lower learning rate") {
    const ModelConfig m = tiny_gpt2();
    auto model = make_language_model(reference_ops(), m, DType::f64, {.B = 2, .T = 8}, {.training = true});
    initialise(*model, 1);
    TrainerConfig c;
    c.batch = 4;
    c.micro_batch = 2;
    c.context = 8;
    c.schedule = {Decay::constant, 1e-3, 0, 0, 1000, 0};
    Trainer trainer(*model, c);
    std::vector<int64_t> asked;
    const NextBatch next = [&](int64_t first, HostBatch& b) {
        asked.push_back(first);
        b = packed_batch(b.B, b.T, m.V, unsigned(first));
    };
    REQUIRE(trainer.step(5, next).lr == 1e-3);
    trainer.stability().rolled_back({}, 6, 0);
    REQUIRE(trainer.step(0, next).lr == 5e-4);
    REQUIRE(asked == std::vector<int64_t>{20, 22, 24, 26});
}

TEST_CASE("a skipped step leaves weights and moments unchanged, bit for bit") {
    const ModelConfig m = tiny_llama();
    auto model = make_language_model(cpu_ops(), m, DType::f32, {.B = 2, .T = 8}, {.training = true});
    initialise(*model, 1);
    TrainerConfig c;
    c.batch = c.micro_batch = 2;
    c.context = 8;
    Trainer trainer(*model, c);
    auto next = [&](int64_t first, HostBatch& b) { b = packed_batch(b.B, b.T, m.V, unsigned(first)); };
    for (int step = 0; step < 3; ++step) trainer.step(step, next);
    const std::vector<double> weights = values<float>(model->parameters.values.flat());
    std::vector<double> moments;
    for (size_t i = 0; i < model->weights().size(); ++i)
        for (double x : values<float>(trainer.optimizer().read(Optimizer::State::m).of(i))) moments.push_back(x);
    // An infinite gain of the final norm makes every loss NaN; it is restored before the weights are compared.
    Tensor gain;
    for (const Weight& w : model->weights())
        if (w.name == "norm.gain") gain = w.value;
    const float kept = gain.as<float>()[0];
    gain.as<float>()[0] = std::numeric_limits<float>::infinity();
    REQUIRE(trainer.step(3, next).verdict == Verdict::not_a_number);
    gain.as<float>()[0] = kept;
    REQUIRE(values<float>(model->parameters.values.flat()) == weights);
    std::vector<double> after;
    for (size_t i = 0; i < model->weights().size(); ++i)
        for (double x : values<float>(trainer.optimizer().read(Optimizer::State::m).of(i))) after.push_back(x);
    REQUIRE(after == moments);
    REQUIRE(trainer.step(4, next).verdict == Verdict::take);
}
