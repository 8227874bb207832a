// Random numbers as functions of their counter.
#include <catch2/catch.hpp>

#include "engine/base/philox.h"

using namespace gradus;

TEST_CASE("Philox gives the published words") {
    // The known answers of the authors' Random123, philox4x32-10: counters and keys of zeros and of ones.
    const auto zeros = Philox{0}.words(0, 0);
    REQUIRE(zeros == std::array<uint32_t, 4>{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
    const auto ones = Philox{~0ull}.words(~0ull, ~0ull);
    REQUIRE(ones == std::array<uint32_t, 4>{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
}

TEST_CASE("Uniform draws fill the interval from 0 to 1 evenly and normal draws have mean 0 and variance 1") {
    const Philox random{key_of(42, 1)};
    constexpr int n = 200000;
    double sum = 0, normal_sum = 0, square_sum = 0;
    std::array<int, 10> bins{};
    for (int i = 0; i < n; ++i) {
        const double u = random.uniform(uint64_t(i)), g = random.normal(uint64_t(i), 1);
        REQUIRE((u >= 0 && u < 1));
        ++bins[size_t(u * 10)];
        sum += u;
        normal_sum += g;
        square_sum += g * g;
    }
    REQUIRE(std::abs(sum / n - 0.5) <= 0.005);
    REQUIRE(std::abs(normal_sum / n) <= 0.01);
    REQUIRE(std::abs(square_sum / n - 1) <= 0.02);
    for (int count : bins) REQUIRE(std::abs(count - n / 10) <= 700);
}

TEST_CASE("Keys of different purposes differ") {
    REQUIRE(key_of(1, 2) != key_of(2, 1));
    REQUIRE(key_of(1) != key_of(1, 0));
    REQUIRE(key_of(1, 0, 5) != key_of(1, 5, 0));
}
