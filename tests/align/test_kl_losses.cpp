// The divergence from a reference as a loss term: align/losses/kl.h.
#include <catch2/catch.hpp>

#include "align/losses/kl.h"
#include "tests/align/policy_rows.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr Kl kl_kinds[] = {Kl::k1, Kl::k2, Kl::k3, Kl::k3_with_k2_gradient};

template <class Scalar>
KlLoss<Scalar> kl_of(Kl kind, const SampledRows& s, const std::vector<Scalar>& x, std::vector<Scalar>& d) {
    return kl_loss<Scalar>(kind, 0.3, x, s.reference, s.learnt, s.weights, d);
}

}  // namespace

TEST_CASE("each divergence term has the gradient of its complex step; k3 with the gradient of k2 has that of k2") {
    for (Kl kind : kl_kinds)
        for (uint64_t seed = 0; seed < 5; ++seed) {
            const SampledRows s(seed, 1.0);
            std::vector<double> d(s.size(), 0);
            const auto sum = kl_of(kind, s, s.log_probs, d);
            const Kl taught = kind == Kl::k3_with_k2_gradient ? Kl::k2 : kind;
            auto value = [&](const auto& x) {
                auto unused = x;
                return kl_of(taught, s, x, unused).loss;
            };
            require_gradient(value, s.log_probs, d);
            if (kind == Kl::k3_with_k2_gradient) {
                std::vector<double> unused(s.size(), 0);
                REQUIRE(sum.loss == kl_of(Kl::k3, s, s.log_probs, unused).loss);
            }
            REQUIRE(sum.count == 15);
        }
}

TEST_CASE("divergence terms of a token that has become twice as likely") {
    const double x = std::log(2.0);
    REQUIRE(is_near(kl_term(Kl::k1, x).value, x));
    REQUIRE(is_near(kl_term(Kl::k2, x).value, x * x / 2));
    REQUIRE(is_near(kl_term(Kl::k3, x).value, 0.5 - 1 + x));
    REQUIRE(kl_term(Kl::k1, x).gradient == 1);
    REQUIRE(is_near(kl_term(Kl::k2, x).gradient, x));
    REQUIRE(is_near(kl_term(Kl::k3, x).gradient, 0.5));
    REQUIRE(is_near(kl_term(Kl::k3_with_k2_gradient, x).gradient, x));
    for (Kl kind : kl_kinds) {
        REQUIRE(kl_term(kind, 0.0).value == 0);
        REQUIRE(kl_term(kind, 0.0).gradient == (kind == Kl::k1 ? 1 : 0));
        REQUIRE(std::isfinite(kl_term(kind, -900.0).value));
        REQUIRE(kl_term(kind, -900.0).gradient == 0);
    }
}

TEST_CASE(
    "on the policy's own samples k1 teaches nothing, k2 the divergence from the reference, k3 that of the reference") {
    // Logits z of six tokens against a fixed reference q; expectations are exact sums over the tokens.
    Draws draw(1);
    const std::vector<double> z = draw.normals(6), y = draw.normals(6);
    auto log_softmax = [](const auto& logits, size_t v) {
        auto sum = logits[0] - logits[0];
        for (const auto& l : logits) sum += std::exp(l);
        return logits[v] - std::log(sum);
    };
    // The expectation, under p = softmax(z), of term.gradient · ∂ log p(v) / ∂z, v the sampled token.
    auto expected = [&](Kl kind) {
        std::vector<double> d(6, 0);
        for (size_t v = 0; v < 6; ++v) {
            const double p = std::exp(log_softmax(z, v));
            const double c = kl_term(kind, log_softmax(z, v) - log_softmax(y, v)).gradient;
            for (size_t u = 0; u < 6; ++u) d[u] += p * c * ((u == v) - std::exp(log_softmax(z, u)));
        }
        return d;
    };
    auto forward = [&](const auto& x) {
        auto sum = x[0] - x[0];
        for (size_t v = 0; v < 6; ++v) sum += std::exp(log_softmax(x, v)) * (log_softmax(x, v) - log_softmax(y, v));
        return sum;
    };
    auto backward = [&](const auto& x) {
        auto sum = x[0] - x[0];
        for (size_t v = 0; v < 6; ++v) sum += std::exp(log_softmax(y, v)) * (log_softmax(y, v) - log_softmax(x, v));
        return sum;
    };
    for (double d : expected(Kl::k1)) REQUIRE(std::abs(d) < 1e-15);
    require_gradient(forward, z, expected(Kl::k2));
    require_gradient(forward, z, expected(Kl::k3_with_k2_gradient));
    require_gradient(backward, z, expected(Kl::k3));
}

TEST_CASE("the divergence of rows counts learnt rows, whatever their weights") {
    const std::vector<double> x = {-1, unread, -2}, reference = {-1.5, unread, -1}, weights = {0, unread, 2};
    const std::vector<uint8_t> learnt = {1, 0, 1};
    std::vector<double> d(3, 0);
    const auto sum = kl_loss<double>(Kl::k1, 0.1, x, reference, learnt, weights, d);
    REQUIRE(sum.count == 2);
    REQUIRE(is_near(sum.k1, -0.5));
    REQUIRE(is_near(sum.k3, std::exp(-0.5) - 0.5 + std::exp(1.0) - 2));
    REQUIRE(is_near(sum.loss, -0.2));
    REQUIRE(d == std::vector<double>{0, 0, 0.2});
}
