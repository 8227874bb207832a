// The losses of a reward model: align/losses/ranking.h.
#include <catch2/catch.hpp>

#include "align/losses/ranking.h"
#include "tests/align/derivative.h"

#include <numeric>

using namespace gradus;
using namespace gradus::test;

namespace {

enum class Listwise { kwise, plackett_luce, best_of };
constexpr Listwise listwise_kinds[] = {Listwise::kwise, Listwise::plackett_luce, Listwise::best_of};

template <class Scalar>
Scalar listwise_loss(Listwise kind, const std::vector<Scalar>& r, const std::vector<int>& ranks, std::vector<Scalar>& d,
                     const RankingConfig& c = {}) {
    switch (kind) {
        case Listwise::kwise: return kwise_loss<Scalar>(r, ranks, d, c);
        case Listwise::plackett_luce: return plackett_luce_loss<Scalar>(r, ranks, d);
        case Listwise::best_of: return best_of_loss<Scalar>(r, ranks, d);
    }
    return 0;
}

struct Ranked {
    double loss;
    std::vector<double> d;
};

Ranked ranked(Listwise kind, const std::vector<double>& r, const std::vector<int>& ranks, const RankingConfig& c = {}) {
    std::vector<double> d(r.size(), unread);
    const double loss = listwise_loss(kind, r, ranks, d, c);
    return {loss, d};
}

// −log of the probability of drawing the answers in this order, without ties, as Plackett wrote it.
double order_loss(const std::vector<double>& r, const std::vector<size_t>& order) {
    double loss = 0;
    for (size_t k = 0; k < order.size(); ++k) {
        double left = 0;
        for (size_t j = k; j < order.size(); ++j) left += std::exp(r[order[j]]);
        loss -= std::log(std::exp(r[order[k]]) / left);
    }
    return loss;
}

}  // namespace

TEST_CASE("the pairwise loss has the gradient of its complex step, with margin, centring and soft labels") {
    Draws draw(1);
    for (double p : {1.0, 0.0, 0.5, 0.83})
        for (double margin : {0.0, 0.7})
            for (double centring : {0.0, 0.01}) {
                const RankingConfig c{margin, centring};
                const std::vector<double> x = draw.normals(2, 2);
                const auto out = pairwise_loss(x[0], x[1], p, c);
                const double d[] = {out.d_a, out.d_b};
                require_gradient([&](const auto& r) { return pairwise_loss(r[0], r[1], p, c).loss; }, x, d);
            }
}

TEST_CASE("the pairwise loss by hand") {
    const auto even = pairwise_loss(1.0, 1.0);
    REQUIRE(is_near(even.loss, std::log(2.0)));
    REQUIRE((even.d_a == -0.5 && even.d_b == 0.5));
    REQUIRE(is_near(pairwise_loss(3.0, 1.0).loss, std::log(1 + std::exp(-2.0))));
    REQUIRE(is_near(pairwise_loss(3.0, 1.0, 1, {.margin = 0.5}).loss, std::log(1 + std::exp(-1.5))));
    REQUIRE(is_near(pairwise_loss(3.0, 1.0, 1, {.centring = 0.1}).loss, std::log(1 + std::exp(-2.0)) + 1.6));
    REQUIRE(is_near(pairwise_loss(3.0, 1.0, 0.25).loss,
                    0.25 * std::log(1 + std::exp(-2.0)) + 0.75 * std::log(1 + std::exp(2.0))));
    REQUIRE(pairwise_loss(-3000.0, 3000.0).loss == 6000);
    // Which of the two is called a does not matter.
    const auto one = pairwise_loss(0.3, -1.2, 0.7, {0.4, 0.02}), other = pairwise_loss(-1.2, 0.3, 0.3, {0.4, 0.02});
    REQUIRE(is_near(one.loss, other.loss));
    REQUIRE(is_near(one.d_a, other.d_b));
    // A soft label is at rest where the scores say the same.
    REQUIRE(std::abs(pairwise_loss(std::log(0.7 / 0.3), 0.0, 0.7).d_a) < 1e-15);
}

TEST_CASE("losses of ranked answers have the gradient of their complex step, whatever the ties") {
    Draws draw(2);
    for (Listwise kind : listwise_kinds)
        for (int K : {1, 2, 3, 5, 9})
            for (int levels : {1, 2, 9})
                for (int round = 0; round < 4; ++round) {
                    const std::vector<double> r = draw.normals(size_t(K), 2);
                    std::vector<int> ranks;
                    for (int i = 0; i < K; ++i) ranks.push_back(1 + draw.index(levels));
                    const RankingConfig c{0.3, 0.02};
                    const Ranked out = ranked(kind, r, ranks, c);
                    auto value = [&](const auto& x) {
                        auto unused = x;
                        return listwise_loss(kind, x, ranks, unused, c);
                    };
                    INFO("kind " << int(kind) << " K " << K << " levels " << levels);
                    require_gradient(value, r, out.d);
                }
}

TEST_CASE("with two answers all losses of rankings are the pairwise one") {
    for (const std::vector<int>& ranks : {std::vector<int>{1, 2}, {2, 1}, {1, 4}}) {
        const std::vector<double> r = {0.4, -1.1};
        const bool first = ranks[0] < ranks[1];
        const auto pair = pairwise_loss(first ? r[0] : r[1], first ? r[1] : r[0]);
        for (Listwise kind : listwise_kinds) {
            const Ranked out = ranked(kind, r, ranks);
            REQUIRE(is_near(out.loss, pair.loss));
            REQUIRE(is_near(out.d[first ? 0 : 1], pair.d_a));
            REQUIRE(is_near(out.d[first ? 1 : 0], pair.d_b));
        }
    }
    const RankingConfig c{0.5, 0.1};
    REQUIRE(is_near(ranked(Listwise::kwise, {0.4, -1.1}, {1, 2}, c).loss, pairwise_loss(0.4, -1.1, 1, c).loss));
}

TEST_CASE("if all ranks are equal, or there is one answer, every loss and gradient of a ranking is 0") {
    for (Listwise kind : listwise_kinds)
        for (size_t K : {1u, 2u, 5u}) {
            const Ranked out = ranked(kind, Draws(K).normals(K), std::vector<int>(K, 3));
            REQUIRE(std::abs(out.loss) < 1e-15);
            for (double d : out.d) REQUIRE(std::abs(d) < 1e-15);
        }
}

TEST_CASE("K-wise is the mean of the pairwise losses, and a tied pair counts in the number only") {
    const std::vector<double> r = {0.5, -0.2, 1.3};
    auto loss = [&](size_t better, size_t worse) { return pairwise_loss(r[better], r[worse]).loss; };
    REQUIRE(is_near(ranked(Listwise::kwise, r, {2, 3, 1}).loss, (loss(2, 0) + loss(2, 1) + loss(0, 1)) / 3));
    REQUIRE(is_near(ranked(Listwise::kwise, r, {2, 2, 1}).loss, (loss(2, 0) + loss(2, 1)) / 3));
}

TEST_CASE("Plackett-Luce without ties is the probability of the order, and over all orders they add up to 1") {
    const std::vector<double> r = {0.5, -0.2, 1.3, -2};
    std::vector<size_t> order = {0, 1, 2, 3};
    double total = 0;
    do {
        std::vector<int> ranks(4);
        for (size_t k = 0; k < 4; ++k) ranks[order[k]] = 10 + 3 * int(k);
        const double loss = ranked(Listwise::plackett_luce, r, ranks).loss;
        REQUIRE(is_near(loss, order_loss(r, order)));
        total += std::exp(-loss);
    } while (std::next_permutation(order.begin(), order.end()));
    REQUIRE(is_near(total, 1));
}

TEST_CASE("in Plackett-Luce each of two tied answers is drawn against the worse ones, not against the other") {
    const std::vector<double> r = {1, 0.5, -1};
    auto drawn = [&](size_t i) { return std::log((std::exp(r[i]) + std::exp(r[2])) / std::exp(r[i])); };
    REQUIRE(is_near(ranked(Listwise::plackett_luce, r, {1, 1, 2}).loss, drawn(0) + drawn(1)));
    REQUIRE(is_near(ranked(Listwise::best_of, r, {1, 1, 2}).loss, (drawn(0) + drawn(1)) / 2));
    // The best against two tied ones: the worst rank adds nothing.
    const double best = std::log((std::exp(r[0]) + std::exp(r[1]) + std::exp(r[2])) / std::exp(r[0]));
    REQUIRE(is_near(ranked(Listwise::plackett_luce, r, {1, 2, 2}).loss, best));
}

TEST_CASE("best of K is the cross-entropy of the best answer") {
    const std::vector<double> r = {0.5, -0.2, 1.3};
    double sum = 0;
    for (double x : r) sum += std::exp(x);
    const Ranked out = ranked(Listwise::best_of, r, {2, 1, 2});
    REQUIRE(is_near(out.loss, std::log(sum) + 0.2));
    for (size_t i = 0; i < 3; ++i) REQUIRE(is_near(out.d[i], std::exp(r[i]) / sum - (i == 1)));
}

TEST_CASE("losses of rankings without centring do not depend on the level of the scores, nor overflow") {
    for (Listwise kind : listwise_kinds) {
        const std::vector<int> ranks = {3, 1, 2, 2};
        const Ranked low = ranked(kind, {0.5, -0.25, 1.5, 1}, ranks),
                     high = ranked(kind, {1000.5, 999.75, 1001.5, 1001}, ranks);
        REQUIRE(is_near(low.loss, high.loss));
        require_near(low.d, high.d);
        REQUIRE(std::abs(std::accumulate(low.d.begin(), low.d.end(), 0.0)) < 1e-15);
        REQUIRE(std::isfinite(ranked(kind, {2000, -2000, 0, 1}, ranks).loss));
    }
}
