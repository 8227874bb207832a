#pragma once
// Helpers of the tests of kernels/check.h: valid arguments, invalid variants of them, and the expected messages.
#include <catch2/catch.hpp>

#include <functional>

#include "kernels/check.h"
#include "kernels/every_op.h"
#include "tests/kernels/harness.h"

namespace gradus::test::argument_checks {

constexpr int N = 6, C = 8, B = 2, T = 3, keys = 5, H = 4, G = 2, D = 2, O = 5, V = 7, P = 4, S = 3, R = 1;

// Owns the memory of valid arguments. Nothing is computed, so its contents do not matter.
struct TensorPool {
    std::vector<Owned> owned;

    Tensor give(DType t, const Shape& shape) { return owned.emplace_back(t, shape); }
    Tensor f(const Shape& shape) { return give(DType::f32, shape); }
    Tensor d(const Shape& shape) { return give(DType::f64, shape); }
    Tensor i(const Shape& shape) { return give(DType::i32, shape); }
};

template <class Args>
struct Field {
    const char* name;
    std::function<Tensor&(Args&)> of;
    bool optional = false;
};

#define FIELD(Args, name)                                             \
    Field<Args> {                                                     \
#name, [](Args & in_call) -> Tensor& { return in_call.name; } \
    }
#define OPTIONAL(Args, name)                                                \
    Field<Args> {                                                           \
#name, [](Args & in_call) -> Tensor& { return in_call.name; }, true \
    }

template <class Args>
void rejects(Args a, const std::function<void(Args&)>& change, const std::string& message) {
    change(a);
    REQUIRE_THROWS_AS(check(a), InternalError);
    REQUIRE_THROWS_WITH(check(a), Catch::Contains(message));
}

// Valid arguments pass; each field with another shape, another dtype or no memory is rejected by name.
template <class Args>
void rejects_every_field(const Args& good, const std::string& op, const std::vector<Field<Args>>& fields) {
    REQUIRE_NOTHROW(check(good));
    for (const Field<Args>& field : fields) {
        const std::string named = op + ": " + field.name;
        rejects<Args>(
            good,
            [&](Args& a) {
                Shape& s = field.of(a).shape;
                s.dim[size_t(s.rank == 4 ? 3 : s.rank++)] = 9;
            },
            named + " has shape");
        rejects<Args>(
            good,
            [&](Args& a) {
                DType& t = field.of(a).dtype;
                t = t == DType::i32 ? DType::f32 : DType::i32;
            },
            named + " is ");
        if (!field.optional)
            rejects<Args>(
                good, [&](Args& a) { field.of(a).data = nullptr; }, named + " has no memory");
    }
}

}  // namespace gradus::test::argument_checks
