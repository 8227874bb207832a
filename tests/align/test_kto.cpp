// KTO's trainer and the answers that it estimates its reference point from: align/preference/.
#include <catch2/catch.hpp>

#include <cmath>
#include <set>

#include "align/preference/mismatch.h"
#include "tests/align/trainers.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int T = 11;

// The gradient of a step, whose reference point must be as expected.
std::vector<double> gradient_of(const std::vector<LabelledExample>& batch, double kl, const KtoConfig& loss) {
    const auto policy = Place{}.language(lively(tiny_llama()));
    KtoTrainer trainer(*policy, {constant_rate(0), loss});
    REQUIRE(trainer.step(0, batch).kl == Approx(kl).epsilon(1e-12));
    return gradients_of(policy->parameters);
}

std::vector<LabelledExample> labels() { return random_labels(6, lively(tiny_llama()).V, T); }

// z0 of a batch as its definition says.
double expected_kl(const std::vector<LabelledExample>& batch) {
    const auto policy = Place{}.language(lively(tiny_llama()));
    LanguagePass pass(*policy);
    std::vector<LabelledExample> now = batch;
    add_reference(pass, now, {});
    double sum = 0, count = 0;
    for (size_t i = 0; i < batch.size(); ++i)
        if (batch[i].mismatched.size() > 0) {
            sum += now[i].reference_mismatched - batch[i].reference_mismatched;
            count += 1;
        }
    return sum / count;
}

}  // namespace

TEST_CASE("every prompt is paired with an answer to another one, and every answer is used about equally often") {
    std::vector<uint64_t> prompts;
    for (uint64_t p = 0; p < 500; ++p) prompts.insert(prompts.end(), {p, p});  // as pairs are read
    const std::vector<int> partners = partners_of_other_prompts(prompts, 3);
    int good = 0;
    for (size_t i = 0; i < prompts.size(); ++i) {
        REQUIRE(prompts[size_t(partners[i])] != prompts[i]);
        good += partners[i] % 2 == 0;
    }
    REQUIRE(std::abs(good - 500) < 80);
    // A circle of all, but where the next one answers the same prompt.
    REQUIRE(std::set<int>(partners.begin(), partners.end()).size() > 990);
    REQUIRE(partners == partners_of_other_prompts(prompts, 3));
    REQUIRE(partners != partners_of_other_prompts(prompts, 4));
}

TEST_CASE("with few prompts the partner is the next example of another prompt, and with one there is none") {
    for (uint64_t seed = 0; seed < 20; ++seed) {
        const std::vector<uint64_t> prompts = {7, 7, 7, 9, 7};
        const std::vector<int> partners = partners_of_other_prompts(prompts, seed);
        for (size_t i = 0; i < prompts.size(); ++i) REQUIRE((partners[i] == 3) == (i != 3));
        REQUIRE(partners_of_other_prompts({1, 2}, seed) == std::vector<int>{1, 0});
    }
    REQUIRE(partners_of_other_prompts({5, 5, 5}, 1) == std::vector<int>{-1, -1, -1});
    REQUIRE(partners_of_other_prompts({}, 1).empty());
}

TEST_CASE("the reference point is the mean log-ratio of the mismatched answers of the whole batch, and never below 0") {
    const auto batch = labels();
    const double kl = expected_kl(batch);
    REQUIRE(kl > 1);
    gradient_of(batch, kl, {});
    auto likely = batch;
    for (LabelledExample& e : likely) e.reference_mismatched = 0;
    REQUIRE(expected_kl(likely) < 0);
    gradient_of(likely, 0, {});
}

TEST_CASE("no gradient flows through the reference point: it is that of references that are higher by it") {
    const KtoConfig loss = {.beta = 0.2, .desirable = 1.3, .undesirable = 0.7};
    const auto batch = labels();
    const double kl = expected_kl(batch);
    auto shifted = batch;
    for (LabelledExample& e : shifted) {
        e.reference += kl;
        e.mismatched = {};
    }
    REQUIRE(relative(gradient_of(batch, kl, loss), gradient_of(shifted, 0, loss)) < 1e-12);
}

TEST_CASE("a step reports the loss, rewards and log-probabilities of its answers, and so does validation") {
    const auto policy = Place{}.language(lively(tiny_llama()));
    const KtoConfig loss = {.beta = 0.2, .desirable = 1.3, .undesirable = 0.7};
    KtoTrainer trainer(*policy, {constant_rate(0), loss});
    const auto batch = labels();
    LanguagePass pass(*policy);
    std::vector<LabelledExample> now = batch;
    add_reference(pass, now, {});
    const double kl = expected_kl(batch);
    double sum = 0, reward[2] = {}, log_prob[2] = {}, tokens[2] = {}, count[2] = {};
    for (size_t i = 0; i < batch.size(); ++i) {
        const bool d = batch[i].desirable;
        const auto of_answer = kto_loss<double>(loss, now[i].reference, batch[i].reference, d, kl);
        sum += of_answer.loss;
        reward[d] += of_answer.reward;
        log_prob[d] += now[i].reference;
        tokens[d] += double(std::count(batch[i].text.learnt.begin(), batch[i].text.learnt.end(), 1));
        count[d] += 1;
    }
    const auto r = trainer.step(0, batch);
    const auto held = trainer.judge(batch);
    REQUIRE(r.loss == Approx(sum / 6));
    REQUIRE(held.loss == Approx(sum));
    REQUIRE(r.tokens == int64_t(tokens[0] + tokens[1]));
    REQUIRE(held.kl == Approx(kl));
    for (const auto& means : {std::pair{r.desirable, r.undesirable}, std::pair{held.desirable, held.undesirable}}) {
        REQUIRE(means.first.reward == Approx(reward[1] / count[1]));
        REQUIRE(means.second.reward == Approx(reward[0] / count[0]));
        REQUIRE(means.first.log_prob == Approx(log_prob[1] / tokens[1]));
        REQUIRE(means.second.log_prob == Approx(log_prob[0] / tokens[0]));
    }
}

TEST_CASE(
    "a batch without undesirable answers has no mean of them, and a policy that is the reference a loss of one half") {
    const auto policy = Place{}.language(lively(tiny_llama()));
    KtoTrainer trainer(*policy, {constant_rate(0)});
    auto batch = labels();
    for (LabelledExample& e : batch) e.desirable = true;
    LanguagePass pass(*policy);
    add_reference(pass, batch, {});
    const auto r = trainer.step(0, batch);
    REQUIRE(std::isnan(r.undesirable.reward));
    REQUIRE(std::isnan(r.undesirable.log_prob));
    REQUIRE(std::abs(r.desirable.reward) < 1e-12);
    REQUIRE(r.loss == Approx(0.5));
    REQUIRE(r.kl == Approx(0).margin(1e-12));
}

TEST_CASE("KTO makes desirable answers likelier and undesirable ones less likely") {
    const ModelConfig m = lively(tiny_llama());
    const auto policy = Place{}.language(m);
    KtoTrainer trainer(*policy, {constant_rate(3e-3)});
    auto batch = random_labels(6, m.V, T);
    LanguagePass pass(*policy);
    add_reference(pass, batch, {});
    for (int step = 0; step < 30; ++step) trainer.step(step, batch);
    const auto after = trainer.judge(batch);
    REQUIRE(after.desirable.reward > 0.1);
    REQUIRE(after.undesirable.reward < -0.1);
    REQUIRE(after.loss < 0.45 * double(batch.size()));
}
