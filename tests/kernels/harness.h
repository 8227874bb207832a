#pragma once
// Helpers of the tests of backends: tensors that own their memory, with random or poisoned contents; access to values of any
// dtype; a comparison that fails for NaN; shapes and masks that are not multiples of any tile.
//
// Contents depend only on (seed, index of the element), drawn in double and then rounded: the same call with another dtype
// gives the same tensor up to rounding.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/base/philox.h"
#include "kernels/ops.h"
#include "kernels/scalar.h"
#include "kernels/step_values.h"

namespace gradus::test {

// A tensor that owns its memory, aligned as the backends' allocations. Movable; copies are explicit, with copy_of().
struct Owned : Tensor {
    struct alignas(64) Line {
        std::byte bytes[64];
    };
    std::vector<Line> memory;

    Owned(DType type, const Shape& dims) : Tensor{nullptr, type, dims}, memory(bytes() / 64 + 1) {
        data = memory.data();
        std::memset(data, 0xff, bytes());
    }
    Owned(Owned&&) = default;
    Owned& operator=(Owned&&) = default;
};

// The real value of element i, as a double.
inline double at(const Tensor& t, int64_t i) {
    switch (t.dtype) {
        case DType::f32: return double(t.as<float>()[i]);
        case DType::bf16: return double(float(t.as<bf16>()[i]));
        case DType::i32: return t.as<int32_t>()[i];
        case DType::f64: return t.as<double>()[i];
        case DType::c128: return t.as<c128>()[i].real();
    }
    return 0;
}

inline void put(const Tensor& t, int64_t i, double x) {
    switch (t.dtype) {
        case DType::f32: t.as<float>()[i] = float(x); break;
        case DType::bf16: t.as<bf16>()[i] = bf16(float(x)); break;
        case DType::i32: t.as<int32_t>()[i] = int32_t(x); break;
        case DType::f64: t.as<double>()[i] = x; break;
        case DType::c128: t.as<c128>()[i] = x; break;
    }
}

// For outputs and workspaces: every float is NaN, every integer −1.
inline Owned poisoned(DType dtype, const Shape& shape) { return Owned(dtype, shape); }

template <class Value>
Owned made(DType dtype, const Shape& shape, Value&& value_of) {
    Owned t(dtype, shape);
    for (int64_t i = 0; i < t.size(); ++i) put(t, i, value_of(i));
    return t;
}

inline Owned filled(DType dtype, const Shape& shape, double x) {
    return made(dtype, shape, [&](int64_t) { return x; });
}

// mean + spread · a standard normal.
inline Owned random(uint64_t seed, DType dtype, const Shape& shape, double spread = 1, double mean = 0) {
    return made(dtype, shape, [&](int64_t i) { return mean + spread * Philox{seed}.normal(uint64_t(i)); });
}

// Integers, uniform in [low, high).
inline Owned integers(uint64_t seed, const Shape& shape, int low, int high) {
    return made(DType::i32, shape,
                [&](int64_t i) { return std::floor(low + (high - low) * Philox{seed}.uniform(uint64_t(i))); });
}

inline Owned converted(const Tensor& from, DType dtype) {
    return made(dtype, from.shape, [&](int64_t i) { return at(from, i); });
}

inline Owned copy_of(const Tensor& from) {
    Owned t(from.dtype, from.shape);
    std::memcpy(t.data, from.data, from.bytes());
    return t;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
    return a.dtype == b.dtype && a.shape == b.shape && std::memcmp(a.data, b.data, a.bytes()) == 0;
}

// Empty if |got − want| ≤ relative·|want| + absolute everywhere; otherwise names the tensor, the element with the largest
// difference and both values. Equal infinities are equal; a NaN on either side is a difference. Use it as
// REQUIRE(difference("layernorm_forward y", got, want, 1e-6, 1e-7) == "").
inline std::string difference(const std::string& what, const Tensor& got, const Tensor& want, double relative,
                              double absolute) {
    if (got.shape != want.shape) return what + ": the shapes differ";
    int64_t place = -1;
    double worst = 1;
    for (int64_t i = 0; i < got.size(); ++i) {
        const double g = at(got, i), w = at(want, i);
        if (g == w) continue;
        const double excess = std::abs(g - w) / (relative * std::abs(w) + absolute);
        if (excess <= worst) continue;
        place = i;
        if (std::isnan(excess)) break;
        worst = excess;
    }
    if (place < 0) return "";
    char text[160];
    std::snprintf(text, sizeof text, ": element %lld is %.17g, should be %.17g", static_cast<long long>(place),
                  at(got, place), at(want, place));
    return what + text;
}

// The step values of step t of AdamW or Muon.
inline StepValues step_values(double lr, double beta1 = 0, double beta2 = 0, int64_t t = 1, uint64_t rounding_key = 0) {
    return {.lr = lr,
            .correction1 = bias_correction(beta1, t),
            .correction2 = bias_correction(beta2, t),
            .rounding_key = rounding_key};
}
inline StepValues loss_scale(double scale) { return {.loss_scale = scale}; }

// An optional argument of an op.
inline Opt when(bool given, const Tensor& t) { return given ? Opt(t) : Opt(); }

struct Rows {
    int64_t N, C;
};
inline const std::vector<Rows> awkward_rows = {{1, 1}, {1, 7}, {5, 1}, {3, 8}, {7, 33}, {17, 65}};

struct Heads {
    int B, T, H, G, D;
};
inline const std::vector<Heads> awkward_heads = {
    {1, 1, 1, 1, 1}, {2, 5, 1, 1, 3}, {1, 7, 2, 2, 4}, {2, 6, 4, 2, 5}, {1, 9, 3, 1, 2}};

struct Mask {
    std::string name;
    Owned lo, hi;  // [B,T]
};

// Every kind of mask that models use, over Tk keys (0: as many as queries); T may be 1.
inline std::vector<Mask> masks(int B, int T, int Tk = 0) {
    if (!Tk) Tk = T;
    std::vector<Mask> all;
    auto add = [&](const std::string& name, auto&& interval) {
        all.push_back({name, Owned(DType::i32, {B, T}), Owned(DType::i32, {B, T})});
        for (int b = 0; b < B; ++b)
            for (int t = 0; t < T; ++t) {
                const auto [lo, hi] = interval(b, t);
                put(all.back().lo, b * T + t, std::min(lo, Tk));
                put(all.back().hi, b * T + t, std::min(hi, Tk));
            }
    };
    using Pair = std::pair<int, int>;
    const int third = std::max(1, T / 3);
    add("causal", [](int, int t) { return Pair(0, t + 1); });
    add("sliding window", [](int, int t) { return Pair(std::max(0, t - 2), t + 1); });
    add("packed documents", [&](int, int t) { return Pair(t / third * third, t + 1); });
    add("padded, both ways", [&](int b, int) { return Pair(0, b % 2 ? Tk : (Tk + 1) / 2); });
    add("empty at first", [](int, int t) { return Pair(std::max(0, t - 3), std::max(0, t - 1)); });
    add("empty at last", [&](int, int t) { return t < (T + 1) / 2 ? Pair(0, t + 1) : Pair(Tk, Tk); });
    add("empty in between", [](int, int t) { return Pair(t < 2 ? 0 : (t - 2) / 5 * 5 + 2, t % 5 == 2 ? t : t + 1); });
    return all;
}

// A view of the columns [before, before + C) of a wider matrix, whose other elements are all `gap`.
struct WithGaps {
    Owned whole;  // [N, before + C + after]
    int64_t before, C;

    Tensor view() const { return whole.columns(before, C); }
};
inline WithGaps with_gaps(const Tensor& rows, double gap, int64_t before = 2, int64_t after = 3) {
    const int64_t C = rows.last(), width = before + C + after;
    return {made(rows.dtype, {rows.rows(), width},
                 [&](int64_t i) {
                     const int64_t c = i % width - before;
                     return c < 0 || c >= C ? gap : at(rows, i / width * C + c);
                 }),
            before, C};
}

// A contiguous copy of a view.
inline Owned dense(const Tensor& view) {
    Owned t(view.dtype, {view.rows(), view.last()});
    for (int64_t n = 0; n < view.rows(); ++n)
        std::memcpy(t.slice(n, 1).data, view.slice(n, 1).data, t.slice(n, 1).bytes());
    return t;
}

}  // namespace gradus::test
