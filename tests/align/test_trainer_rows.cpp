// Every number of a trainer stands at the row it belongs to: align's trainers.
#include <catch2/catch.hpp>

#include <functional>

#include "tests/align/trainers.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int T = 11;
const Place place{.shape = {2, T}};

UpdateConfig at_rest() { return constant_rate(0); }

PolicyConfig policy_config() {
    PolicyConfig c;
    static_cast<UpdateConfig&>(c) = at_rest();
    c.epochs = 1;
    c.kl_beta = 0.2;
    c.clip = {.low = 10, .high = 10};  // every row has a gradient
    return c;
}
ValueConfig value_config() {
    ValueConfig c;
    static_cast<UpdateConfig&>(c) = at_rest();
    c.epochs = 1;
    c.clip = 0;
    return c;
}

// What a text is worth if it ends after `length` ids.
Sequence cut(const Sequence& text, int length) {
    return {{text.ids.begin(), text.ids.begin() + length}, {text.learnt.begin(), text.learnt.begin() + length}};
}

// The gradient that the trainer left is the derivative of the loss that it reports.
void require_derivative(Parameters& p, const std::function<double()>& loss) {
    loss();
    std::vector<std::vector<double>> gradients;
    for (const Weight& w : p.weights()) gradients.push_back(values<double>(w.grad));
    double largest = 0;
    for (size_t k = 0; k < gradients.size(); ++k)
        for (int64_t part : {1, 2}) {
            Weight& w = p.weights()[k];
            const int64_t i = (w.value.size() - 1) * part / 2;
            double& x = w.value.as<double>()[i];
            const double before = x, h = 1e-5;
            x = before + h;
            const double above = loss();
            x = before - h;
            const double below = loss();
            x = before;
            INFO(w.name << "[" << i << "]");
            REQUIRE(std::abs((above - below) / (2 * h) - gradients[k][size_t(i)]) <= 1e-8);
            largest = std::max(largest, std::abs(gradients[k][size_t(i)]));
        }
    REQUIRE(largest > 1e-3);
}

}  // namespace

TEST_CASE("the value of a state is that of the ids before the choice, and the log-probability that of the id") {
    const ModelConfig m = lively(tiny_gpt2());
    const auto model = place.score(m);
    const auto policy = place.language(m);
    ValueUpdate update(*model, value_config());
    PolicyUpdate policy_update(*policy, policy_config());
    const Sequences texts = random_sequences(9, m.V, T);
    const std::vector<double> values = update.values(texts, 0), log_probs = policy_update.old_log_probs(texts, 0);
    ScorePass scores(*model);
    const auto all = texts_of(texts);
    for (size_t s = 0; s < all.size(); ++s)
        for (int t = 0; t < all[s].size(); ++t) {
            const size_t n = size_t(texts.first[s] + t);
            if (!texts.learnt[n]) {
                REQUIRE(values[n] == 0);
                REQUIRE(log_probs[n] == 0);
                continue;
            }
            REQUIRE(values[n] == Approx(scores_of(scores, {cut(all[s], t)}, {})[0]).epsilon(1e-12));
            // The probabilities of all ids in that place add up to 1, and this is one of them.
            double sum = 0, own = 0;
            for (int32_t id = 0; id < m.V; ++id) {
                Sequence other = cut(all[s], t + 1);
                other.ids.back() = id;
                const Sequences alone = joined({other});
                const double p = std::exp(policy_update.old_log_probs(alone, 0).back());
                sum += p;
                if (id == all[s].ids[size_t(t)]) own = p;
            }
            REQUIRE(sum == Approx(1).epsilon(1e-12));
            REQUIRE(std::exp(log_probs[n]) == Approx(own).epsilon(1e-12));
        }
}

TEST_CASE("the score of an answer is that of its last id") {
    const ModelConfig m = lively(tiny_gpt2());
    const auto model = place.score(m);
    RewardTrainer trainer(*model, {at_rest()});
    const auto all = texts_of(random_sequences(9, m.V, T));
    const std::vector<double> together = trainer.scores(all);
    for (size_t s = 0; s < all.size(); ++s) {
        REQUIRE(together[s] == Approx(trainer.scores({all[s]})[0]).epsilon(1e-12));
        Sequence other = all[s];
        other.ids.back() = (other.ids.back() + 1) % m.V;
        REQUIRE(std::abs(together[s] - trainer.scores({other})[0]) > 1e-6);
        if (all[s].size() > 2)
            REQUIRE(std::abs(together[s] - trainer.scores({cut(all[s], all[s].size() - 1)})[0]) > 1e-6);
    }
}

TEST_CASE("every learnt row changes the losses of policy and values, and no other row does") {
    const ModelConfig m = lively(tiny_gpt2());
    const auto policy = place.language(m);
    const auto value = place.score(m);
    PolicyUpdate policy_update(*policy, policy_config());
    ValueUpdate value_update(*value, value_config());
    Experience e = random_experience(policy_update, 5, m.V, T);
    const auto losses = [&] { return std::vector<double>{policy_update.run(e, 0).loss, value_update.run(e, 0).loss}; };
    const std::vector<double> before = losses();
    const auto differ = [&](std::vector<double>& rows, size_t n, size_t which) {
        const double kept = rows[n];
        rows[n] += 0.5;
        const std::vector<double> now = losses();
        rows[n] = kept;
        REQUIRE(now[1 - which] == before[1 - which]);
        return now[which] != before[which];
    };
    for (size_t n = 0; n < e.texts.learnt.size(); ++n) {
        const bool learnt = e.texts.learnt[n];
        REQUIRE(differ(e.advantages, n, 0) == learnt);
        REQUIRE(differ(e.old_log_probs, n, 0) == learnt);
        REQUIRE(differ(e.reference, n, 0) == learnt);
        REQUIRE(differ(e.returns, n, 1) == learnt);
    }
}

TEST_CASE("the gradient of a policy's update is the derivative of its loss, for every objective") {
    const ModelConfig m = lively(tiny_gpt2());
    for (auto objective : {PolicyObjective::ppo, PolicyObjective::reinforce, PolicyObjective::gspo}) {
        const auto policy = place.language(m);
        PolicyConfig c = policy_config();
        c.objective = objective;
        c.temperature = 1.2;
        PolicyUpdate update(*policy, c);
        const Experience e = random_experience(update, 6, m.V, T);
        require_derivative(policy->parameters, [&] { return update.run(e, 0).loss; });
    }
}

TEST_CASE("the gradients of value, reward and preference steps are the derivatives of their losses") {
    const ModelConfig m = lively(tiny_gpt2());
    const auto policy = place.language(m);
    PolicyUpdate policy_update(*policy, policy_config());
    const Experience e = random_experience(policy_update, 6, m.V, T);
    const auto value = place.score(m);
    ValueUpdate value_update(*value, value_config());
    require_derivative(value->parameters, [&] { return value_update.run(e, 0).loss; });

    const Place of_four{.shape = {4, T}};
    const auto reward = of_four.score(m);
    RewardTrainer reward_trainer(*reward, {at_rest(), RankingLoss::pairs, 0.01});
    const auto rankings = random_rankings(5, m.V, T);
    require_derivative(reward->parameters, [&] { return reward_trainer.step(0, rankings).loss; });

    PreferenceTrainer preference(*policy, {at_rest(), {.kind = PreferenceKind::dpo, .beta = 0.3}});
    const auto pairs = random_pairs(5, m.V, T);
    require_derivative(policy->parameters, [&] { return preference.step(0, pairs).loss; });

    KtoTrainer kto(*policy, {at_rest(), {.beta = 0.1, .desirable = 1.3}});
    auto labels = random_labels(5, m.V, T);
    for (LabelledExample& l : labels) l.mismatched = {};  // a reference point that does not move with the weights
    require_derivative(policy->parameters, [&] { return kto.step(0, labels).loss; });
}

TEST_CASE("a value read one id late, and a mask one id off, are other gradients") {
    const ModelConfig m = lively(tiny_gpt2());
    const auto policy = place.language(m);
    const auto value = place.score(m);
    const Sequences texts = random_sequences(6, m.V, T);
    const auto batches = pack(texts, 2, T);
    const auto shifted = [&](const std::vector<double>& rows, int by) {
        std::vector<double> moved = texts.zeros();
        for (size_t n = 1; n < moved.size(); ++n) moved[by > 0 ? n : n - 1] = rows[by > 0 ? n - 1 : n];
        return moved;
    };
    std::vector<double> coefficients = texts.zeros();
    const auto numbers = random_numbers(coefficients.size(), 4);
    for (size_t n = 0; n < coefficients.size(); ++n) coefficients[n] = texts.learnt[n] ? numbers[n] : 0;
    const auto gradient = [&](auto& pass, Parameters& p, const std::vector<double>& of_rows) {
        p.grads.zero();
        std::vector<double> numbers_of_rows = texts.zeros();
        for (const MicroBatch& b : batches) {
            pass.forward(b, texts, numbers_of_rows);
            pass.backward(of_rows);
        }
        return gradients_of(p);
    };
    LanguagePass language(*policy);
    ScorePass score(*value);
    for (int by : {-1, 1}) {
        REQUIRE(relative(gradient(language, policy->parameters, shifted(coefficients, by)),
                         gradient(language, policy->parameters, coefficients)) > 0.1);
        REQUIRE(relative(gradient(score, value->parameters, shifted(coefficients, by)),
                         gradient(score, value->parameters, coefficients)) > 0.1);
    }
}
