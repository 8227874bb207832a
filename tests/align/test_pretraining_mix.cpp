// Pre-training text in the updates of a policy: align/policy/pretraining_mix.
#include <catch2/catch.hpp>

#include "align/policy/pretraining_mix.h"
#include "tests/align/trainers.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int T = 11, rows = 5;
constexpr double weight = 3;
const ModelConfig m = lively(tiny_llama());

// Row r of the text, of a length of its own; the rest of the row is no target.
void fill_text(int64_t first_row, HostBatch& host) {
    Sequences texts;
    MicroBatch placed;
    for (int row = 0; row < host.B; ++row) {
        texts.add(texts_of(random_sequences(1, m.V, T, uint64_t(first_row + row) + 100))[0]);
        placed.push_back({row, row, 0});
    }
    fill(host, placed, texts);
}

struct Updated {
    std::vector<double> gradient;
    double loss = 0, text = 0;  // of the policy, of the text
};

// The gradient of one update. `number`: of the iteration, which is one update.
Updated updated(const Place& place, bool with_text, int64_t number = 0, double policy_weight = 1) {
    const auto policy = place.language(m);
    PolicyConfig c;
    static_cast<UpdateConfig&>(c) = constant_rate(0);
    c.epochs = 1;
    PolicyUpdate update(*policy, c);
    Experience e = random_experience(update, 6, m.V, T);
    for (double& a : e.advantages) a *= policy_weight;
    PretrainingMix text(*policy, fill_text, {weight, rows});
    Updated result;
    result.loss = update.run(e, number, with_text ? text.addition() : PolicyUpdate::Addition{}).loss;
    result.text = text.take_loss();
    result.gradient = gradients_of(policy->parameters);
    return result;
}

struct MeanLoss {
    std::vector<double> gradient;
    double loss = 0;
};

// Of rows [first, first + rows), in one pass: the mean over their targets, counted by hand.
MeanLoss mean_loss(int64_t first) {
    const Place whole{.shape = {rows, T}};
    const auto model = whole.language(m);
    TrainerConfig c{constant_rate(0)};
    c.batch = c.micro_batch = rows;
    c.context = T;
    Trainer trainer(*model, c);
    MeanLoss mean;
    mean.loss = trainer.step(0, [&](int64_t row, HostBatch& host) { fill_text(first + row, host); }).loss;
    mean.gradient = gradients_of(model->parameters);
    return mean;
}

}  // namespace

TEST_CASE(
    "an update with pre-training text has the gradient of the policy's loss plus the weighted mean loss of the text") {
    for (const int64_t number : {0, 3}) {
        INFO("iteration " << number);
        const Place place{.shape = {2, T}};
        const Updated with = updated(place, true, number), without = updated(place, false, number);
        const MeanLoss text = mean_loss(number * rows);
        REQUIRE(with.loss == without.loss);
        REQUIRE(with.text == Approx(text.loss).epsilon(1e-12));
        REQUIRE(without.text == 0);
        double largest = 0;
        for (size_t i = 0; i < text.gradient.size(); ++i) {
            const double added = with.gradient[i] - without.gradient[i];
            REQUIRE(added == Approx(weight * text.gradient[i]).margin(1e-11));
            largest = std::max(largest, std::abs(added));
        }
        REQUIRE(largest > 1e-3);
    }
}

TEST_CASE("the policy's loss does not change the normaliser of the text, nor the micro-batches its gradient") {
    const Updated in_twos = updated({.shape = {2, T}}, true, 1, 0), in_ones = updated({.shape = {1, T}}, true, 1, 0),
                  at_once = updated({.shape = {8, T}}, true, 1, 0);
    REQUIRE(relative(in_ones.gradient, in_twos.gradient) <= 1e-12);
    REQUIRE(relative(at_once.gradient, in_twos.gradient) <= 1e-12);
    const MeanLoss text = mean_loss(rows);
    for (size_t i = 0; i < text.gradient.size(); ++i)
        REQUIRE(in_twos.gradient[i] == Approx(weight * text.gradient[i]).margin(1e-11));
}

TEST_CASE("every update of an iteration sees other text, and after a rollback later text than before") {
    const auto policy = Place{.shape = {2, T}}.language(m);
    PolicyConfig c;
    static_cast<UpdateConfig&>(c) = constant_rate(0);
    c.epochs = 2;
    c.minibatches = 2;
    PolicyUpdate update(*policy, c);
    const Experience e = random_experience(update, 6, m.V, T);
    std::vector<int64_t> seen;
    PretrainingMix text(*policy,
                        [&](int64_t first_row, HostBatch& host) {
                            seen.push_back(first_row);
                            fill_text(first_row, host);
                        },
                        {weight, 2});
    update.run(e, 1, text.addition());
    REQUIRE(seen == std::vector<int64_t>{8, 10, 12, 14});
    seen.clear();
    StabilityState after = update.gradient_step().stability().state();
    after.data_offset = 5;  // iterations
    update.gradient_step().stability().restore(after);
    update.run(e, 1, text.addition());
    REQUIRE(seen == std::vector<int64_t>{48, 50, 52, 54});
}
