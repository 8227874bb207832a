// Rewards of tokens, advantages from values, and whitening: align/advantages/.
#include <catch2/catch.hpp>

#include "align/advantages/adaptive_kl.h"
#include "align/advantages/gae.h"
#include "align/advantages/token_rewards.h"
#include "align/advantages/whitening.h"
#include "tests/align/policy_rows.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct Estimated {
    std::vector<double> advantages, returns;
};

Estimated estimated(const std::vector<double>& rewards, const std::vector<double>& values,
                    const std::vector<uint8_t>& learnt, const std::vector<int64_t>& lengths, double gamma,
                    double lambda) {
    Estimated e{std::vector<double>(rewards.size(), unread), std::vector<double>(rewards.size(), unread)};
    generalised_advantages({rewards, values, learnt, lengths}, gamma, lambda, e.advantages, e.returns);
    return e;
}

// One sequence, by the definition: A[t] = Σ_l (γλ)^l·δ[t+l].
std::vector<double> by_definition(const std::vector<double>& r, const std::vector<double>& v, double gamma,
                                  double lambda) {
    std::vector<double> out;
    for (size_t t = 0; t < r.size(); ++t) {
        double sum = 0;
        for (size_t s = t; s < r.size(); ++s) {
            const double next = s + 1 < r.size() ? v[s + 1] : 0;
            sum += std::pow(gamma * lambda, double(s - t)) * (r[s] + gamma * next - v[s]);
        }
        out.push_back(sum);
    }
    return out;
}

}  // namespace

TEST_CASE("advantages are those of the definition, in every sequence by itself and over learnt rows alone") {
    for (double gamma : {1.0, 0.9})
        for (double lambda : {0.0, 0.95, 1.0}) {
            const SampledRows s(4);
            const std::vector<double>&rewards = s.advantages, &values = s.old_log_probs;
            const Estimated e = estimated(rewards, values, s.learnt, s.lengths, gamma, lambda);
            for_each_sequence(s.lengths, s.size(), [&](size_t, size_t first, size_t last) {
                std::vector<double> r, v, found, returns;
                for (size_t n = first; n < last; ++n) {
                    if (!s.learnt[n]) {
                        REQUIRE((e.advantages[n] == 0 && e.returns[n] == 0));
                        continue;
                    }
                    r.push_back(rewards[n]);
                    v.push_back(values[n]);
                    found.push_back(e.advantages[n]);
                    returns.push_back(e.returns[n] - values[n]);
                }
                require_near(found, by_definition(r, v, gamma, lambda));
                require_near(returns, found);
            });
        }
}

TEST_CASE("with lambda and gamma 1 and values of 0, an advantage is the sum of the rewards still to come") {
    const Estimated e = estimated({1, 2, 4, 8}, {0, 0, 0, 0}, {1, 1, 1, 1}, {3, 1}, 1, 1);
    REQUIRE(e.advantages == std::vector<double>{7, 6, 4, 8});
    REQUIRE(e.returns == e.advantages);
}

TEST_CASE(
    "with lambda and gamma 1 the return does not depend on the values, and the advantage is the return less the "
    "value") {
    const Estimated e = estimated({1, 2, 4, 8}, {5, -3, 2, 1}, {1, 1, 1, 1}, {3, 1}, 1, 1);
    REQUIRE(e.returns == std::vector<double>{7, 6, 4, 8});
    REQUIRE(e.advantages == std::vector<double>{2, 9, 2, 7});
}

TEST_CASE("with lambda 0 an advantage looks one token ahead, and after the last token the value is 0") {
    const Estimated e = estimated({1, 2, 4}, {10, 20, 40}, {1, 1, 1}, {3}, 0.5, 0);
    REQUIRE(e.advantages == std::vector<double>{1 + 10 - 10, 2 + 20 - 20, 4 - 40});
    REQUIRE(e.returns == std::vector<double>{11, 22, 4});
}

TEST_CASE("gamma and lambda are not the same: lambda leaves the value of the next state alone") {
    const Estimated a = estimated({0, 1}, {0, 3}, {1, 1}, {2}, 0.5, 1),
                    b = estimated({0, 1}, {0, 3}, {1, 1}, {2}, 1, 0.5);
    REQUIRE(a.advantages == std::vector<double>{0.5, -2});
    REQUIRE(b.advantages == std::vector<double>{2, -2});
}

TEST_CASE("the score is added on the last learnt token, beside the price of every token") {
    const std::vector<double> log_probs = {unread, -1, -2, unread, -3, unread},
                              reference = {unread, -1.5, -1, unread, -3, unread};
    const std::vector<uint8_t> learnt = {0, 1, 1, 0, 1, 0};
    const std::vector<int64_t> lengths = {4, 1, 1};
    const std::vector<double> scores = {7, -2, 100};
    std::vector<double> rewards(6, unread);
    const auto sums = token_rewards({log_probs, reference, learnt, lengths, scores}, 0.1, rewards);
    require_near(rewards, std::vector<double>{0, -0.05, 0.1 + 7, 0, -2, 0});
    REQUIRE((sums.answers == 2 && sums.tokens == 3 && sums.score == 5));
    REQUIRE(is_near(sums.kl, -0.5));
    REQUIRE(is_near(sums.penalty, -0.05));
    const auto of_k3 = token_rewards({log_probs, reference, learnt, lengths, scores}, 0.1, rewards, Kl::k3);
    REQUIRE(is_near(rewards[1], -0.1 * (std::exp(-0.5) - 1 + 0.5)));
    REQUIRE(is_near(rewards[2], 7 - 0.1 * (std::exp(1.0) - 1 - 1)));
    REQUIRE(is_near(of_k3.kl, -0.5));
}

TEST_CASE("if the policy is the reference, tokens cost exactly nothing") {
    const SampledRows s(6);
    const std::vector<double> scores(s.lengths.size(), 0);
    std::vector<double> rewards(s.size(), unread);
    const auto sums = token_rewards({s.log_probs, s.log_probs, s.learnt, s.lengths, scores}, 0.3, rewards);
    for (double r : rewards) REQUIRE(r == 0);
    REQUIRE((sums.kl == 0 && sums.penalty == 0));
    REQUIRE((sums.answers == 4 && sums.tokens == 15));
}

TEST_CASE("whitening by the moments of all ranks is whitening all rows at once, and by a rank's own is not") {
    const SampledRows s(7);
    Moments of_all;
    of_all.add(s.advantages, s.learnt);
    std::vector<double> whole = s.advantages, parts = s.advantages, own = s.advantages;
    whiten(whole, s.learnt, of_all);

    const size_t cut = 9;
    const std::span learnt(s.learnt);
    Moments left, right;
    left.add(std::span(parts).first(cut), learnt.first(cut));
    right.add(std::span(parts).subspan(cut), learnt.subspan(cut));
    Moments sum = left;
    sum += right;
    for (auto* x : {&parts, &own}) {
        whiten(std::span(*x).first(cut), learnt.first(cut), x == &parts ? sum : left);
        whiten(std::span(*x).subspan(cut), learnt.subspan(cut), x == &parts ? sum : right);
    }
    double mean = 0, square = 0, apart = 0;
    for (size_t n = 0; n < s.size(); ++n) {
        REQUIRE(std::isnan(whole[n]) == !s.learnt[n]);
        if (!s.learnt[n]) continue;
        REQUIRE(is_near(parts[n], whole[n]));
        mean += whole[n] / 15;
        square += whole[n] * whole[n] / 15;
        apart = std::max(apart, std::abs(own[n] - whole[n]));
    }
    REQUIRE(std::abs(mean) < 1e-12);
    REQUIRE(is_near(square, 1, 1e-7));
    REQUIRE(apart > 0.01);
}

TEST_CASE("whitening by hand: the variance is biased, 1e-8 is added to it, and the mean can stay") {
    Moments of_all;
    std::vector<double> x = {1, 3}, kept = x;
    const std::vector<uint8_t> learnt = {1, 1};
    of_all.add(x, learnt);
    whiten(x, learnt, of_all);
    whiten(kept, learnt, of_all, false);
    const double scale = 1 / std::sqrt(1 + 1e-8);
    require_near(x, std::vector<double>{-scale, scale}, 1e-12);
    require_near(kept, std::vector<double>{2 - scale, 2 + scale}, 1e-12);
}

TEST_CASE("whitening equal advantages gives zeros, also a single one and those that rounding moves apart") {
    for (size_t n : {1u, 3u, 7u}) {
        std::vector<double> x(n, 0.1);
        const std::vector<uint8_t> learnt(n, 1);
        Moments of_all;
        of_all.add(x, learnt);
        REQUIRE(of_all.variance() == 0);
        whiten(x, learnt, of_all);
        for (double v : x) REQUIRE(std::abs(v) < 1e-10);
    }
    REQUIRE(Moments{}.variance() == 0);
    REQUIRE(Moments{}.mean() == 0);
}

TEST_CASE(
    "the weight of the divergence grows while the policy is too far away, by a fifth of the batch's share at most") {
    AdaptiveKl kl{.beta = 0.1, .target = 6, .horizon = 10000};
    kl.update(6, 512);
    REQUIRE(kl.beta == 0.1);
    kl.update(6.6, 500);
    REQUIRE(is_near(kl.beta, 0.1 * (1 + 0.1 * 0.05)));
    AdaptiveKl far{.beta = 0.1, .target = 6, .horizon = 10000}, near = far;
    far.update(600, 500);
    near.update(-3, 500);
    REQUIRE(is_near(far.beta, 0.1 * 1.01));
    REQUIRE(is_near(near.beta, 0.1 * 0.99));
    AdaptiveKl fixed{.beta = 0.1};
    fixed.update(100, 512);
    REQUIRE(fixed.beta == 0.1);
}
