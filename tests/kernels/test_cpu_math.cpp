// Building blocks of the CPU's kernels: conversions, functions and transposes of registers.
#include "kernels/cpu/matmul_pack.h"
#include "kernels/cpu/vector_math.h"
#include "tests/kernels/table/compare.h"

using namespace gradus;
using namespace gradus::test;
using namespace gradus::cpu;

namespace {

// The largest distance of f from truth over [low, high], in units in the last place of the truth.
template <class Function, class Truth>
double worst_units(Function f, Truth truth, float low, float high, int steps) {
    double worst = 0;
    for (int i = 0; i < steps; i += width) {
        Floats x = {};
        for (int j = 0; j < width; ++j) x[j] = low + (high - low) * float(i + j) / float(steps);
        const Floats y = f(x);
        for (int j = 0; j < width; ++j) {
            const double want = truth(double(x[j])), unit = std::nextafter(float(want), INFINITY) - double(float(want));
            const double error = std::abs(double(y[j]) - want) / unit;
            if (!(error <= worst)) worst = std::isnan(error) ? INFINITY : error;
        }
    }
    return worst;
}

}  // namespace

TEST_CASE("the exponential is within 1.1 units in the last place over its whole range") {
    const auto f = [](Floats x) { return exponential(x); };
    const auto truth = [](double x) { return std::exp(x); };
    REQUIRE(worst_units(f, truth, -86.8f, 88.7f, 1 << 20) <= 1.1);
    REQUIRE(worst_units(f, truth, -1, 1, 1 << 20) <= 1.1);
}

TEST_CASE("the exponential underflows to 0, overflows to infinity, and propagates NaN") {
    for (float x : {-87.5f, -1000.f, -1e30f, -INFINITY}) REQUIRE(exponential(splat(x))[0] == 0);
    for (float x : {88.73f, 1000.f, 1e30f, INFINITY}) REQUIRE(exponential(splat(x))[0] == INFINITY);
    for (uint32_t bits : {0x7fc00000u, 0xffffffffu, 0x7fffffffu, 0xffc00001u})
        REQUIRE(std::isnan(exponential(splat(std::bit_cast<float>(bits)))[0]));
    REQUIRE(exponential(Floats{})[0] == 1);
}

TEST_CASE("the sigmoid and 1 minus the sigmoid are within 2.5 and 3 units in the last place") {
    REQUIRE(worst_units([](Floats x) { return sigmoid(x).value; }, [](double x) { return 1 / (1 + std::exp(-x)); }, -80,
                        80, 1 << 20) <= 2.5);
    REQUIRE(worst_units([](Floats x) { return sigmoid(x).rest; }, [](double x) { return 1 / (1 + std::exp(x)); }, -80,
                        80, 1 << 20) <= 3);
    REQUIRE(sigmoid(splat(-INFINITY)).value[0] <= 2e-38f);
    REQUIRE(sigmoid(splat(-INFINITY)).rest[0] == 1);
    REQUIRE(sigmoid(splat(INFINITY)).value[0] == 1);
    REQUIRE(sigmoid(splat(INFINITY)).rest[0] <= 2e-38f);
    REQUIRE(std::isnan(sigmoid(splat(NAN)).value[0]));
}

TEST_CASE("the normal distribution and its density are within 4.5 + x²/2 units in the last place, above 0 within 2.5") {
    const auto cumulative = [](Floats x) { return normal(x).cumulative; };
    const auto density = [](Floats x) { return normal(x).density; };
    const auto tail = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
    const auto bell = [](double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0)); };
    REQUIRE(worst_units(cumulative, tail, 0, 14, 1 << 20) <= 2.5);
    // The rounding error of the exponent x²/2 grows with it.
    for (int end = 0; end > -12; --end) {
        const float x = float(end);
        const double units = 4.5 + double(x - 1) * double(x - 1) / 2;
        REQUIRE(worst_units(cumulative, tail, x - 1, x, 1 << 16) <= units);
        REQUIRE(worst_units(density, bell, x - 1, x, 1 << 16) <= units);
        REQUIRE(worst_units(density, bell, -x, 1 - x, 1 << 16) <= units);
    }
}

TEST_CASE("the normal distribution tends to 0 and 1, is a half at ±0, and propagates NaN") {
    for (float x : {14.f, 1e3f, 1e30f, INFINITY}) {
        REQUIRE(normal(splat(-x)).cumulative[0] == 0);
        REQUIRE(normal(splat(x)).cumulative[0] == 1);
        REQUIRE(normal(splat(-x)).density[0] == 0);
        REQUIRE(normal(splat(x)).density[0] == 0);
    }
    for (float zero : {0.f, -0.f}) REQUIRE(std::abs(normal(splat(zero)).cumulative[0] - 0.5f) <= 0x1p-24f);
    REQUIRE(std::isnan(normal(splat(NAN)).cumulative[0]));
    REQUIRE(std::isnan(normal(splat(NAN)).density[0]));
}

TEST_CASE("a register rounds to bf16 exactly as one float does, for every bf16 and values between neighbours") {
    int wrong = 0;
    for (uint32_t high = 0; high < 1 << 16; ++high)
        for (uint32_t low : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
            const float x = std::bit_cast<float>(high << 16 | low);
            wrong += bf16_bits(splat(x))[width - 1] != bf16(x).bits;
        }
    REQUIRE(wrong == 0);
    for (uint32_t bits = 0; bits < 1 << 16; bits += 7) {
        bf16 h[width] = {};
        for (bf16& each : h) each.bits = uint16_t(bits);
        REQUIRE(std::bit_cast<uint32_t>(float(load(h)[width / 2])) == bits << 16);
    }
}

TEST_CASE("partial loads and stores access only their lanes") {
    std::vector<float> values(size_t(width), 7.f);
    for (int count = 1; count < width; ++count) {
        const Floats x = load(values.data() + width - count, Part{count}, -1);
        for (int i = 0; i < width; ++i) REQUIRE(x[i] == (i < count ? 7.f : -1.f));
        std::vector<bf16> out(size_t(width), bf16(3));
        store(out.data(), splat(5), Part{count});
        for (int i = 0; i < width; ++i) REQUIRE(float(out[size_t(i)]) == (i < count ? 5.f : 3.f));
    }
}

TEST_CASE("a transpose in registers is a transpose") {
    Floats x[width];
    for (int r = 0; r < width; ++r)
        for (int c = 0; c < width; ++c) x[r][c] = float(r * width + c);
    transpose(x);
    for (int r = 0; r < width; ++r)
        for (int c = 0; c < width; ++c) REQUIRE(x[r][c] == float(c * width + r));
}

TEST_CASE("horizontal reductions include every lane") {
    Floats x = {};
    for (int i = 0; i < width; ++i) x[i] = float(1 << i);
    REQUIRE(sum(x) == float((1 << width) - 1));
    REQUIRE(largest(x) == float(1 << (width - 1)));
    double both = 0;
    for (int i = 0; i < width / 2; ++i) both += lower(x)[i] + upper(x)[i];
    REQUIRE(both == double((1 << width) - 1));
}
