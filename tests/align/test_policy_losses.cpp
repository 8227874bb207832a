// The losses of sampled tokens: align/losses/policy.h.
#include <catch2/catch.hpp>

#include "tests/align/policy_rows.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// A policy loss of rows, written once for double and c128: its value at x, with the gradient in d.
enum class Kind { reinforce, ppo, ppo_asymmetric, ppo_dual, cispo, gspo, gspo_wide };
constexpr Kind kinds[] = {Kind::reinforce, Kind::ppo,  Kind::ppo_asymmetric, Kind::ppo_dual,
                          Kind::cispo,     Kind::gspo, Kind::gspo_wide};

template <class Scalar>
PolicyLoss<Scalar> loss_of(Kind kind, const SampledRows& s, const std::vector<Scalar>& x, std::vector<Scalar>& d) {
    const auto rows = s.rows(x);
    const std::span<Scalar> out(d);
    switch (kind) {
        case Kind::reinforce: return reinforce_loss(rows, out);
        case Kind::ppo: return ppo_loss(rows, out);
        case Kind::ppo_asymmetric: return ppo_loss(rows, out, {.low = 0.1, .high = 0.28});
        case Kind::ppo_dual: return ppo_loss(rows, out, {.low = 0.2, .high = 0.2, .dual = 1.5});
        case Kind::cispo: return cispo_loss(rows, out, 1.3);
        case Kind::gspo: return gspo_loss<Scalar>(rows, s.lengths, out);
        case Kind::gspo_wide: return gspo_loss<Scalar>(rows, s.lengths, out, {.low = 0.15, .high = 0.2, .dual = 1.25});
    }
    return {};
}

template <class Scalar>
Scalar value_of(Kind kind, const SampledRows& s, const std::vector<Scalar>& x) {
    std::vector<Scalar> d(x.size());
    return loss_of(kind, s, x, d).loss;
}

struct Found {
    double loss, gradient;
    RatioSums ratios;
};

Found ppo_of(double ratio, double advantage, const PolicyClip& clip) {
    const OneRow row{.log_prob = -1 + std::log(ratio), .old = -1, .advantage = advantage};
    double d = 0;
    const auto sum = ppo_loss(row.rows(), std::span(&d, 1), clip);
    return {sum.loss, d, sum.ratios};
}

}  // namespace

TEST_CASE("every policy loss has the gradient of its complex step, and rows that are not learnt are not read") {
    for (Kind kind : kinds)
        for (uint64_t seed = 0; seed < 20; ++seed) {
            const SampledRows s(seed);
            std::vector<double> d(s.size(), 0);
            const auto sum = loss_of(kind, s, s.log_probs, d);
            INFO("kind " << int(kind) << " seed " << seed);
            auto value = [&](const auto& x) { return value_of(kind, s, x); };
            REQUIRE(std::isfinite(sum.loss));
            // CISPO holds its ratio fixed, which a difference of values does not.
            if (kind == Kind::cispo) require_complex_step(value, s.log_probs, d);
            else require_gradient(value, s.log_probs, d);
        }
}

TEST_CASE("the random rows of the tests meet every kind of clip, so that none goes untested") {
    RatioSums all;
    for (uint64_t seed = 0; seed < 20; ++seed) {
        const SampledRows s(seed);
        std::vector<double> d(s.size(), 0);
        all += loss_of(Kind::ppo_dual, s, s.log_probs, d).ratios;
    }
    REQUIRE(all.clipped_low > 10);
    REQUIRE(all.clipped_high > 10);
    REQUIRE(all.clipped_dual > 10);
    REQUIRE(all.clip_fraction() < 0.7);
}

TEST_CASE("a policy loss adds to the gradient that is there") {
    for (Kind kind : kinds) {
        const SampledRows s(3);
        std::vector<double> fresh(s.size(), 0), used(s.size(), 2);
        loss_of(kind, s, s.log_probs, fresh);
        loss_of(kind, s, s.log_probs, used);
        for (size_t n = 0; n < s.size(); ++n) REQUIRE(used[n] == 2 + fresh[n]);
    }
}

TEST_CASE("before the first update the ratio is exactly 1, the divergence exactly 0 and the loss minus the advantage") {
    for (Kind kind : {Kind::ppo, Kind::ppo_dual, Kind::cispo, Kind::gspo}) {
        SampledRows s(5);
        s.log_probs = s.old_log_probs;
        std::vector<double> d(s.size(), 0);
        const auto sum = loss_of(kind, s, s.log_probs, d);
        double expected = 0;
        for (size_t n = 0; n < s.size(); ++n)
            if (s.learnt[n]) expected -= s.weights[n] * s.advantages[n];
        if (kind != Kind::cispo) REQUIRE(is_near(sum.loss, expected));
        // GSPO divides a sequence's advantages among its rows; the others give each row its own.
        if (kind != Kind::gspo)
            for (size_t n = 0; n < s.size(); ++n) REQUIRE(d[n] == (s.learnt[n] ? -s.weights[n] * s.advantages[n] : 0));
        const RatioSums& r = sum.ratios;
        REQUIRE((r.least == 1 && r.largest == 1 && r.mean_ratio() == 1));
        REQUIRE((r.k1() == 0 && r.k2() == 0 && r.k3() == 0 && r.clip_fraction() == 0));
    }
}

TEST_CASE("PPO takes the gradient away only where the clip improves the objective") {
    const PolicyClip clip{.low = 0.1, .high = 0.3};
    struct Case {
        double ratio, advantage, loss, gradient, low, high;
    };
    for (const Case& c : std::initializer_list<Case>{{1.2, 2, -2.4, -2.4, 0, 0},  // within
                                                     {1.4, 2, -2.6, 0, 0, 1},     // above, and already better: 1.3·2
                                                     {0.5, 2, -1.0, -1.0, 0, 0},  // below, and worse: comes back
                                                     {0.95, -2, 1.9, 1.9, 0, 0},  // within
                                                     {0.5, -2, 1.8, 0, 1, 0},     // below, and already better: 0.9·2
                                                     {1.4, -2, 2.8, 2.8, 0, 0},   // above, and worse: comes back
                                                     {7, -2, 14, 14, 0, 0}}) {    // without a dual clip, however far
        const Found f = ppo_of(c.ratio, c.advantage, clip);
        INFO("ratio " << c.ratio << " advantage " << c.advantage);
        REQUIRE(is_near(f.loss, c.loss));
        REQUIRE(is_near(f.gradient, c.gradient));
        REQUIRE(f.ratios.clipped_low == c.low);
        REQUIRE(f.ratios.clipped_high == c.high);
    }
}

TEST_CASE("the dual clip bounds the loss of a bad token that has become likely, and leaves good tokens alone") {
    const PolicyClip clip{.low = 0.2, .high = 0.2, .dual = 3};
    const Found below = ppo_of(2.9, -2, clip), above = ppo_of(7, -2, clip), good = ppo_of(0.01, 2, clip);
    REQUIRE(is_near(below.loss, 5.8));
    REQUIRE(is_near(below.gradient, 5.8));
    REQUIRE(is_near(above.loss, 6));
    REQUIRE(above.gradient == 0);
    REQUIRE(above.ratios.clipped_dual == 1);
    REQUIRE(is_near(good.loss, -0.02));
    REQUIRE(is_near(ppo_of(7, 2, clip).loss, -2.4));
}

TEST_CASE("CISPO keeps the gradient of a token whose ratio is capped") {
    for (double ratio : {0.5, 1.0, 6.0}) {
        const OneRow row{.log_prob = -2 + std::log(ratio), .old = -2, .advantage = 1.5, .weight = 0.25};
        double d = 0;
        const auto sum = cispo_loss(row.rows(), std::span(&d, 1), 2);
        const double factor = 0.25 * 1.5 * std::min(ratio, 2.0);
        REQUIRE(is_near(sum.loss, -factor * row.log_prob));
        REQUIRE(is_near(d, -factor));
        REQUIRE(sum.ratios.clipped_high == (ratio > 2));
    }
}

TEST_CASE("REINFORCE makes a token with a positive advantage likelier by its weight, whatever its probability") {
    const OneRow row{.log_prob = -5, .old = unread, .advantage = 2, .weight = 0.5};
    PolicyRows<double> rows = row.rows();
    rows.old_log_probs = {};
    double d = 0;
    const auto sum = reinforce_loss(rows, std::span(&d, 1));
    REQUIRE(sum.loss == 5);
    REQUIRE(d == -1);
    REQUIRE(sum.ratios.count == 0);
}

TEST_CASE("GSPO clips the geometric mean of a sequence's ratios, and divides its gradient by the length") {
    // Ratios 2 and 1/8, and a row between them that is not learnt: mean log-ratio −log 2.
    const std::vector<double> old = {-1, unread, -1}, x = {-1 + std::log(2.0), unread, -1 - std::log(8.0)};
    const std::vector<double> weights = {0.5, unread, 0.5};
    const std::vector<uint8_t> learnt = {1, 0, 1};
    const std::vector<int64_t> lengths = {3};
    auto run = [&](double advantage, double low) {
        const std::vector<double> advantages = {advantage, unread, advantage};
        std::vector<double> d(3, 0);
        const auto sum =
            gspo_loss<double>({x, old, advantages, learnt, weights}, lengths, d, {.low = low, .high = 0.1});
        REQUIRE(sum.ratios.count == 1);
        REQUIRE(is_near(sum.ratios.largest, 0.5));
        REQUIRE((d[1] == 0 && d[0] == d[2]));
        return Found{sum.loss, d[0], sum.ratios};
    };
    const Found good = run(3, 0.1), bad = run(-3, 0.1), wide = run(-3, 0.6);
    REQUIRE(is_near(good.loss, -1.5));
    REQUIRE(is_near(good.gradient, -0.75));
    REQUIRE(is_near(bad.loss, 2.7));
    REQUIRE(bad.gradient == 0);
    REQUIRE(bad.ratios.clipped_low == 1);
    REQUIRE(is_near(wide.loss, 1.5));
    REQUIRE(is_near(wide.gradient, 0.75));
}

TEST_CASE("GSPO of sequences of one token is PPO") {
    SampledRows s(8);
    s.lengths.assign(s.size(), 1);
    const PolicyClip clip{.low = 0.1, .high = 0.2, .dual = 1.4};
    std::vector<double> of_gspo(s.size(), 0), of_ppo(s.size(), 0);
    const auto a = gspo_loss<double>(s.rows(s.log_probs), s.lengths, of_gspo, clip);
    const auto b = ppo_loss<double>(s.rows(s.log_probs), of_ppo, clip);
    REQUIRE(is_near(a.loss, b.loss));
    require_near(of_gspo, of_ppo);
    REQUIRE(a.ratios.clip_fraction() == b.ratios.clip_fraction());
    REQUIRE(b.ratios.clip_fraction() > 0);
}

TEST_CASE("a log-ratio beyond 20 gives neither infinity nor a gradient, on either side") {
    for (double far : {21.0, 1000.0, -21.0, -1000.0}) {
        const OneRow row{.log_prob = -1100 + far, .old = -1100, .advantage = far > 0 ? -1.0 : 1.0};
        const double kept = std::exp(far > 0 ? 20 : -20);
        double d = 0, of_cispo = 0;
        const auto sum = ppo_loss(row.rows(), std::span(&d, 1));
        REQUIRE(is_near(sum.loss, -row.advantage * kept, 1e-6));
        REQUIRE(d == 0);
        REQUIRE(is_near(sum.ratios.largest, kept));
        cispo_loss(row.rows(), std::span(&of_cispo, 1), 5);
        REQUIRE(is_near(of_cispo, -row.advantage * std::min(kept, 5.0)));
        const int64_t one = 1;
        double of_gspo = 0;
        const auto gspo = gspo_loss(row.rows(), {&one, 1}, std::span(&of_gspo, 1), {.low = 2, .high = 1e12});
        REQUIRE(std::isfinite(gspo.loss));
        REQUIRE(of_gspo == 0);
    }
}

TEST_CASE("micro-batches add up to the batch in loss, gradient and statistics") {
    const SampledRows s(11);
    std::vector<double> whole(s.size(), 0), parts(s.size(), 0);
    const auto all = ppo_loss<double>(s.rows(s.log_probs), whole);
    PolicyLoss<double> sum;
    for (size_t first : {size_t(0), size_t(7)}) {
        const size_t n = first ? s.size() - 7 : 7;
        const auto cut = [&](const auto& x) { return std::span(x).subspan(first, n); };
        const auto part =
            ppo_loss<double>({cut(s.log_probs), cut(s.old_log_probs), cut(s.advantages), cut(s.learnt), cut(s.weights)},
                             std::span(parts).subspan(first, n));
        sum.loss += part.loss;
        sum.ratios += part.ratios;
    }
    REQUIRE(is_near(sum.loss, all.loss));
    REQUIRE(whole == parts);
    REQUIRE(is_near(sum.ratios.k3(), all.ratios.k3()));
    REQUIRE(sum.ratios.clip_fraction() == all.ratios.clip_fraction());
    REQUIRE((sum.ratios.largest == all.ratios.largest && sum.ratios.least == all.ratios.least));
}

TEST_CASE("the estimates of the divergence are those of the ratio new over old") {
    RatioSums sums;
    sums.add(std::log(2.0));
    sums.add(0);
    REQUIRE(is_near(sums.k1(), -std::log(2.0) / 2));
    REQUIRE(is_near(sums.k2(), std::log(2.0) * std::log(2.0) / 4));
    REQUIRE(is_near(sums.k3(), (1 - std::log(2.0)) / 2));
    REQUIRE(is_near(sums.mean_ratio(), 1.5));
    REQUIRE(RatioSums{}.k3() == 0);
    REQUIRE(RatioSums{}.clip_fraction() == 0);
}

TEST_CASE("log-probabilities of an answer add up over its learnt rows alone, and its derivative goes back to them") {
    const SampledRows s(2);
    std::vector<double> sums(s.lengths.size()), counts(s.lengths.size()), d(s.size(), 0);
    sequence_sums<double>(s.log_probs, s.learnt, s.lengths, sums, counts);
    REQUIRE(counts == std::vector<double>{1, 5, 0, 2, 0, 7});
    REQUIRE(sums[0] == s.log_probs[0]);
    REQUIRE((sums[2] == 0 && sums[4] == 0));
    const std::vector<double> d_sums = {1, 2, 3, 4, 5, 6};
    auto value = [&](const auto& x) {
        using Scalar = typename std::decay_t<decltype(x)>::value_type;
        std::vector<Scalar> of_x(s.lengths.size());
        std::vector<double> n(s.lengths.size());
        sequence_sums<Scalar>(x, s.learnt, s.lengths, of_x, n);
        Scalar total = 0;
        for (size_t b = 0; b < d_sums.size(); ++b) total += d_sums[b] * of_x[b];
        return total;
    };
    add_to_rows<double>(d_sums, s.learnt, s.lengths, d);
    require_gradient(value, s.log_probs, d);
}

TEST_CASE("lengths that do not add up to the rows are a broken promise") {
    const std::vector<double> x(4, -1.0);
    const std::vector<uint8_t> learnt(4, 1);
    for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{3}, {2, 3}, {5, -1}, {}}) {
        std::vector<double> sums(lengths.size()), counts(lengths.size());
        REQUIRE_THROWS_AS(sequence_sums<double>(x, learnt, lengths, sums, counts), InternalError);
    }
}
