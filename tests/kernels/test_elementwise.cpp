// Add and cast of the reference: kernels/elementwise.h; and bf16 itself: kernels/scalar.h.
#include <catch2/catch.hpp>

#include "kernels/elementwise.h"
#include "tests/kernels/harness.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();

Owned cast(const Tensor& x, DType dtype) {
    Owned y(dtype, x.shape);
    ops.cast({.y = y, .x = x}, {});
    return y;
}

double value(uint16_t bits) {
    bf16 b;
    b.bits = bits;
    return double(float(b));
}

}  // namespace

TEST_CASE("add sums element by element, also in place of either summand") {
    for (DType t : {DType::f32, DType::f64, DType::c128}) {
        const Owned a = random(1, t, {3, 5, 2}), b = random(2, t, {3, 5, 2}), y = poisoned(t, {3, 5, 2});
        const Owned over_a = copy_of(a), over_b = copy_of(b);
        ops.add({.y = y, .a = a, .b = b}, {});
        ops.add({.y = over_a, .a = over_a, .b = b}, {});
        ops.add({.y = over_b, .a = a, .b = over_b}, {});
        for (int64_t i = 0; i < y.size(); ++i)
            REQUIRE(at(y, i) == (t == DType::f32 ? double(float(at(a, i)) + float(at(b, i))) : at(a, i) + at(b, i)));
        REQUIRE(same_bits(over_a, y));
        REQUIRE(same_bits(over_b, y));
    }
}

TEST_CASE("every bf16 is unchanged after a round trip through f32 and f64") {
    const Owned all(DType::bf16, {65536});
    for (int64_t i = 0; i < all.size(); ++i) all.as<bf16>()[i].bits = uint16_t(i);
    for (DType wide : {DType::f32, DType::f64}) {
        const Owned back = cast(cast(all, wide), DType::bf16);
        int64_t wrong = 0;
        for (int64_t i = 0; i < all.size(); ++i) {
            const bool nan = std::isnan(at(all, i));
            wrong += nan ? !std::isnan(at(back, i)) : all.as<bf16>()[i].bits != back.as<bf16>()[i].bits;
        }
        REQUIRE(wrong == 0);
    }
}

TEST_CASE("rounding to bf16 is to nearest, ties to even") {
    // For all neighbours a < b: their midpoint, and the numbers just below and above it, in f32 and f64.
    for (DType wide : {DType::f32, DType::f64}) {
        constexpr int64_t n = 0x7f7f;  // the pairs of finite neighbours from 0 up
        const Owned x(wide, {6, n});
        for (int64_t i = 0; i < n; ++i) {
            const double middle = (value(uint16_t(i)) + value(uint16_t(i + 1))) / 2;
            auto next = [&](double to) {
                return wide == DType::f32 ? double(std::nextafter(float(middle), float(to)))
                                          : std::nextafter(middle, to);
            };
            const double around[] = {middle, next(-INFINITY), next(INFINITY)};
            for (int64_t k = 0; k < 3; ++k) {
                put(x, k * n + i, around[k]);
                put(x, (k + 3) * n + i, -around[k]);
            }
        }
        const Owned y = cast(x, DType::bf16);
        int64_t wrong = 0;
        for (int64_t i = 0; i < n; ++i) {
            const int64_t even = i + i % 2, want[] = {even, i, i + 1};
            for (int64_t k = 0; k < 3; ++k) {
                wrong += y.as<bf16>()[k * n + i].bits != want[k];
                wrong += y.as<bf16>()[(k + 3) * n + i].bits != (want[k] | 0x8000);
            }
        }
        REQUIRE(wrong == 0);
    }
}

TEST_CASE("values too large for bf16 become infinity, and every NaN stays NaN") {
    const Owned x(DType::f32, {5});
    put(x, 0, 3.4e38);
    put(x, 1, -INFINITY);
    const uint32_t nans[] = {0x7f800001u, 0xffffffffu, 0x7fc00000u};
    for (int64_t i = 0; i < 3; ++i) x.as<float>()[i + 2] = std::bit_cast<float>(nans[i]);
    const Owned y = cast(x, DType::bf16), from_f64 = cast(cast(x, DType::f64), DType::bf16);
    for (const Tensor& t : {Tensor(y), Tensor(from_f64)}) {
        REQUIRE(at(t, 0) == INFINITY);
        REQUIRE(at(t, 1) == -INFINITY);
        for (int64_t i = 2; i < 5; ++i) REQUIRE(std::isnan(at(t, i)));
    }
    const Owned huge = filled(DType::f64, {1}, 1e300);
    REQUIRE(at(cast(huge, DType::bf16), 0) == INFINITY);
    REQUIRE(at(cast(huge, DType::f32), 0) == INFINITY);
}

TEST_CASE("f64 rounds to f32 as in C++, and f32 converts to f64 exactly") {
    const Owned x = random(1, DType::f64, {257}), y = cast(x, DType::f32), back = cast(y, DType::f64);
    for (int64_t i = 0; i < x.size(); ++i) {
        REQUIRE(y.as<float>()[i] == float(at(x, i)));
        REQUIRE(at(back, i) == at(y, i));
    }
}
