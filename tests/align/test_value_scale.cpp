// A value model begins on the scale of the rewards: align/policy/value_scale.
#include <catch2/catch.hpp>

#include "align/policy/value_scale.h"
#include "tests/align/trainers.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int T = 11;
const ModelConfig m = lively(tiny_llama());

struct Numbers {
    const Ops& ops;
    DType dtype;
    double bound;
};
std::vector<Numbers> numbers() {
    return {{reference_ops(), DType::f64, 1e-12}, {cpu_ops(), DType::f32, 1e-5}, {cpu_ops(), DType::bf16, 0.03}};
}

struct ValueModel {
    std::unique_ptr<ScoreModel> model;
    std::optional<ValueUpdate> update;

    ValueModel(const Numbers& n, const ScoreShape& shape, double lr = 0) {
        model = Place{.ops = n.ops, .dtype = n.dtype, .shape = {2, T}}.score(m);
        ValueConfig c;
        static_cast<UpdateConfig&>(c) = constant_rate(lr);
        c.offset = offset_of_values(shape);
        update.emplace(*model, c);
        scale_to_rewards(*model, update->gradient_step().optimizer(), shape);
    }
};

}  // namespace

TEST_CASE("the values of a scaled reward model are its scores less their mean, in units of their spread") {
    for (const Numbers& n : numbers()) {
        INFO(name_of(n.dtype));
        const ScoreShape shape = {.mean = 5.5, .sd = 3.25};
        const Sequences texts = random_sequences(9, m.V, T);
        const std::vector<double> scores = ValueModel(n, {}).update->values(texts, 0);
        const std::vector<double> values = ValueModel(n, shape).update->values(texts, 0);
        double largest = 0;
        for (size_t i = 0; i < values.size(); ++i) {
            REQUIRE(values[i] == Approx(texts.learnt[i] ? (scores[i] - 5.5) / 3.25 : 0).margin(n.bound));
            largest = std::max(largest, std::abs(scores[i]));
        }
        REQUIRE(largest > 0.1);
    }
}

TEST_CASE("a spread of 0 is taken for 1, as scores are") {
    const ScoreShape shape = {.mean = 2, .sd = 0};
    REQUIRE(offset_of_values(shape) == -2);
    const Sequences texts = random_sequences(3, m.V, T);
    const std::vector<double> scores = ValueModel(numbers()[0], {}).update->values(texts, 0);
    const std::vector<double> values = ValueModel(numbers()[0], shape).update->values(texts, 0);
    for (size_t i = 0; i < values.size(); ++i) REQUIRE(values[i] == (texts.learnt[i] ? scores[i] - 2 : 0));
}

TEST_CASE("the masters of a scaled value model are scaled too: after an update it is still on the rewards' scale") {
    const Numbers in_bf16 = numbers()[2];
    const ScoreShape shape = {.mean = 0, .sd = 4};
    ValueModel scaled(in_bf16, shape, 1e-6), plain(in_bf16, {}, 1e-6);
    const auto policy = Place{.ops = in_bf16.ops, .dtype = in_bf16.dtype, .shape = {2, T}}.language(m);
    PolicyUpdate policy_update(*policy, {});
    const Experience e = random_experience(policy_update, 6, m.V, T);
    const auto head = [](ValueModel& v) {
        for (const Weight& w : v.model->parameters.weights())
            if (w.name == scalar_head_tensor) return read(v.model->run.ops, w.value);
        return std::vector<double>();
    };
    for (ValueModel* v : {&scaled, &plain}) v->update->run(e, 0);
    const std::vector<double> a = head(scaled), b = head(plain);
    REQUIRE(a.size() == size_t(m.C));
    for (size_t i = 0; i < a.size(); ++i) REQUIRE(a[i] == Approx(b[i] / 4).epsilon(0.02).margin(1e-4));
}

TEST_CASE("values on the scale of the rewards explain returns that are shaped scores, and others do not") {
    const ScoreShape shape = {.mean = 5.5, .sd = 0.2};
    const Numbers n = numbers()[0];
    const auto policy = Place{.shape = {2, T}}.language(m);
    PolicyUpdate policy_update(*policy, {});
    Experience e = random_experience(policy_update, 9, m.V, T);
    ValueModel scaled(n, shape), plain(n, {});
    e.returns = plain.update->values(e.texts, 0);
    for (double& r : e.returns) r = shaped_score(shape, r, true);
    e.old_values = scaled.update->values(e.texts, 0);
    REQUIRE(scaled.update->run(e, 0).explained_variance == Approx(1).epsilon(1e-9));
    ScoreShape flat = shape;
    flat.sd = 40;
    ValueModel wrong(n, flat);
    e.old_values = wrong.update->values(e.texts, 0);
    REQUIRE(wrong.update->run(e, 0).explained_variance < 0.1);
}
