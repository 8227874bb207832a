// The values of every schedule: engine/schedule.h.
#include <catch2/catch.hpp>

#include <cmath>

#include "engine/schedule.h"

using namespace gradus;

namespace {

constexpr double lr = 0.8, least = 0.2;
constexpr int64_t warmup = 4, steps = 24;

double at(Decay decay, int64_t step, int64_t cooldown = 0) {
    return learning_rate({decay, lr, least, warmup, steps, cooldown}, step);
}

bool near(double a, double b) { return std::abs(a - b) < 1e-15; }

}  // namespace

TEST_CASE("warm-up is linear and its last step has the full learning rate") {
    for (Decay decay : {Decay::constant, Decay::cosine, Decay::linear, Decay::wsd})
        for (int64_t step = 0; step < warmup; ++step) REQUIRE(near(at(decay, step, 5), lr * double(step + 1) / 4));
}

TEST_CASE("the last step of cosine, linear and wsd has exactly the end value, the step before it has not") {
    for (Decay decay : {Decay::cosine, Decay::linear, Decay::wsd}) {
        REQUIRE(at(decay, steps - 1, 5) == least);
        REQUIRE(at(decay, steps - 2, 5) > least * 1.001);
        REQUIRE(at(decay, steps + 7, 5) == least);
    }
    REQUIRE(at(Decay::constant, steps - 1) == lr);
}

TEST_CASE("cosine and linear decay from the first step after warm-up, over steps - warmup steps") {
    const double n = steps - warmup;
    for (int64_t k = 1; k <= steps - warmup; ++k) {
        const double x = double(k) / n;
        REQUIRE(near(at(Decay::linear, warmup + k - 1), lr + (least - lr) * x));
        REQUIRE(near(at(Decay::cosine, warmup + k - 1), least + 0.5 * (lr - least) * (1 + std::cos(M_PI * x))));
    }
    REQUIRE(near(at(Decay::cosine, warmup + 9), (lr + least) / 2));  // halfway
}

TEST_CASE("wsd is constant until exactly `cooldown` steps are left, and decays in each of them") {
    REQUIRE(at(Decay::wsd, steps - 6, 5) == lr);
    for (int64_t k = 1; k <= 5; ++k) REQUIRE(near(at(Decay::wsd, steps - 6 + k, 5), lr + (least - lr) * double(k) / 5));
}

TEST_CASE("without warm-up the decay begins with the first step, and a single step is the last one") {
    REQUIRE(near(learning_rate({Decay::linear, 1, 0, 0, 10, 0}, 0), 0.9));
    REQUIRE(learning_rate({Decay::cosine, 1, 0.5, 0, 1, 0}, 0) == 0.5);
}
