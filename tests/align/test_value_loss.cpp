// The loss of a value model: align/losses/value.h.
#include <catch2/catch.hpp>

#include "align/losses/value.h"
#include "tests/align/derivative.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct OneValue {
    double value, old, target, weight = 1;
    uint8_t learnt = 1;
};

struct ValueFound {
    double loss, gradient, clipped;
};

ValueFound value_of(const OneValue& v, double clip = 0.2) {
    double d = 0;
    const auto sum = value_loss<double>({{&v.value, 1}, {&v.old, 1}, {&v.target, 1}, {&v.learnt, 1}, {&v.weight, 1}},
                                        std::span(&d, 1), clip);
    return {sum.loss, d, sum.clipped};
}

}  // namespace

TEST_CASE("the value loss has the gradient of its complex step, with and without a clip") {
    double clipped = 0;
    for (double clip : {0.0, 0.2, 0.5})
        for (uint64_t seed = 0; seed < 10; ++seed) {
            Draws draw(seed);
            const size_t N = 12;
            std::vector<double> values = draw.normals(N), old = values, targets = draw.normals(N), weights = targets;
            std::vector<uint8_t> learnt(N, 1);
            for (size_t n = 0; n < N; ++n) {
                old[n] += draw.normal(0.4);
                weights[n] = draw.uniform(0.01, 0.3);
                if (n % 5 == 3) learnt[n] = 0, values[n] = old[n] = targets[n] = weights[n] = unread;
            }
            std::vector<double> d(N, 0);
            auto value = [&](const auto& x) {
                using Scalar = typename std::decay_t<decltype(x)>::value_type;
                std::vector<Scalar> unused(N);
                return value_loss<Scalar>({x, old, targets, learnt, weights}, unused, clip).loss;
            };
            const auto sum = value_loss<double>({values, old, targets, learnt, weights}, d, clip);
            require_gradient(value, values, d);
            REQUIRE(sum.returns.count == 10);
            clipped += sum.clipped;
            if (clip == 0) REQUIRE(sum.clipped == 0);
        }
    REQUIRE(clipped > 10);
}

TEST_CASE("the value clip keeps the larger of the two errors, so it stops only steps that went too far the right way") {
    // Towards the return 2 from 0: the clipped error is the larger one, and nothing is left to gain.
    const ValueFound past = value_of({.value = 0.5, .old = 0, .target = 2, .weight = 0.5});
    REQUIRE(is_near(past.loss, 0.5 * 0.5 * 1.8 * 1.8));
    REQUIRE((past.gradient == 0 && past.clipped == 1));
    // Away from it: the unclipped error is the larger one, and pulls back.
    const ValueFound away = value_of({.value = -0.5, .old = 0, .target = 2, .weight = 0.5});
    REQUIRE(is_near(away.loss, 0.5 * 0.5 * 2.5 * 2.5));
    REQUIRE((is_near(away.gradient, -1.25) && away.clipped == 0));
    // Within the clip, both are equal.
    const ValueFound near = value_of({.value = 0.1, .old = 0, .target = 2});
    REQUIRE(is_near(near.loss, 0.5 * 1.9 * 1.9));
    REQUIRE(is_near(near.gradient, -1.9));
    REQUIRE(is_near(value_of({.value = 0.5, .old = 0, .target = 2}, 0).gradient, -1.5));
}

TEST_CASE("explained variance is 1 for perfect values, 0 for a constant and negative for worse ones") {
    auto explained = [](const std::vector<double>& values, const std::vector<double>& returns) {
        const std::vector<double> weights(values.size(), 1);
        const std::vector<uint8_t> learnt(values.size(), 1);
        std::vector<double> d(values.size(), 0);
        const auto sum = value_loss<double>({values, values, returns, learnt, weights}, d);
        return explained_variance(sum.returns, sum.errors);
    };
    REQUIRE(explained({1, 2, 4}, {1, 2, 4}) == 1);
    REQUIRE(is_near(explained({11, 12, 14}, {1, 2, 4}), 1));  // a constant apart
    REQUIRE(std::abs(explained({7, 7, 7}, {1, 2, 4})) < 1e-12);
    REQUIRE(is_near(explained({-1, -2, -4}, {1, 2, 4}), -3));
    REQUIRE(explained({1, 2, 4}, {0.1, 0.1, 0.1}) == 0);
    REQUIRE(explained({0.5, 1, 2}, {1, 2, 4}) == 0.75);
}
