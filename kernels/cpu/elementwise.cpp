// Add and cast.
#include <type_traits>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vector.h"
#include "kernels/elementwise.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

constexpr int64_t grain = 1 << 15;  // elements

// The nearest bf16 of a double. The intermediate float is rounded to odd (towards zero, with the last bit set if inexact), which
// avoids double rounding.
bf16 nearest_bf16(double x) {
    float f = float(x);
    if (std::isfinite(f) && double(f) != x) {
        const uint32_t bits = std::bit_cast<uint32_t>(f);
        f = std::bit_cast<float>((std::abs(double(f)) > std::abs(x) ? bits - 1 : bits) | 1u);
    }
    return bf16(f);
}

template <class To, class From>
void convert(To* y, const From* x, int64_t n) {
    constexpr bool of_floats = !std::is_same_v<To, double> && !std::is_same_v<From, double>;
    if constexpr (of_floats) {
        sweep(n, [&](int64_t i, auto lanes) { store(y + i, load(x + i, lanes), lanes); });
    } else {
        for (int64_t i = 0; i < n; ++i) {
            if constexpr (std::is_same_v<To, bf16>) y[i] = nearest_bf16(x[i]);
            else if constexpr (std::is_same_v<From, bf16>) y[i] = To(float(x[i]));
            else y[i] = To(x[i]);
        }
    }
}

// Only add and cast take f64 on the CPU, for checks that compare with it.
template <class Run>
void by_any_dtype(DType t, Run&& run) {
    if (t == DType::f64) return run(double{});
    by_dtype(t, run);
}

}  // namespace

void add(const Add& a, Stream) {
    by_dtype(a.y.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        parallel(a.y.size(), grain, [&](int64_t first, int64_t last) {
            Scalar* y = a.y.as<Scalar>() + first;
            const Scalar *x = a.a.as<Scalar>() + first, *z = a.b.as<Scalar>() + first;
            sweep(last - first,
                  [&](int64_t i, auto lanes) { store(y + i, load(x + i, lanes) + load(z + i, lanes), lanes); });
        });
    });
}

void cast(const Cast& a, Stream) {
    by_any_dtype(a.y.dtype, [&](auto to) {
        by_any_dtype(a.x.dtype, [&](auto from) {
            parallel(a.x.size(), grain, [&](int64_t first, int64_t last) {
                convert(a.y.as<decltype(to)>() + first, a.x.as<decltype(from)>() + first, last - first);
            });
        });
    });
}

}  // namespace gradus::cpu
