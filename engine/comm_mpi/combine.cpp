#include "engine/comm_mpi/combine.h"

#include <algorithm>
#include <type_traits>

#include "kernels/parallel.h"
#include "kernels/scalar.h"

namespace gradus::mpi {

namespace {

constexpr int64_t block = 1024;  // elements whose running result stays in the L1 cache

template <class Scalar>
using WideOf = std::conditional_t<std::is_same_v<Scalar, bf16>, float, Scalar>;

struct Sum {
    template <class Wide>
    static Wide of(Wide a, Wide b) {
        return Wide(a + b);
    }
};
struct Max {
    template <class Wide>
    static Wide of(Wide a, Wide b) {
        return a != a || a >= b ? a : b;  // NaN if either is NaN
    }
};

template <class Scalar, class Two>
void combine(void* out, const void* const* sources, int n, int64_t count) {
    using Wide = WideOf<Scalar>;
    cpu::parallel(count, 16 * block, [&](int64_t begin, int64_t end) {
        Wide running[block];
        for (int64_t first = begin; first < end; first += block) {
            const int64_t m = std::min(block, end - first);
            const Scalar* zeroth = static_cast<const Scalar*>(sources[0]) + first;
            for (int64_t i = 0; i < m; ++i) running[i] = Wide(zeroth[i]);
            for (int k = 1; k < n; ++k) {
                const Scalar* next = static_cast<const Scalar*>(sources[k]) + first;
                for (int64_t i = 0; i < m; ++i) running[i] = Two::of(running[i], Wide(next[i]));
            }
            Scalar* to = static_cast<Scalar*>(out) + first;
            for (int64_t i = 0; i < m; ++i) to[i] = Scalar(running[i]);
        }
    });
}

}  // namespace

void sum_in_order(DType t, void* out, const void* const* sources, int n, int64_t count) {
    switch (t) {
        case DType::f32: return combine<float, Sum>(out, sources, n, count);
        case DType::bf16: return combine<bf16, Sum>(out, sources, n, count);
        case DType::i32: return combine<uint32_t, Sum>(out, sources, n, count);  // unsigned: wraps around on overflow
        case DType::f64: return combine<double, Sum>(out, sources, n, count);
        case DType::c128: return combine<double, Sum>(out, sources, n, 2 * count);
    }
}

void max_in_order(DType t, void* out, const void* const* sources, int n, int64_t count) {
    switch (t) {
        case DType::f32: return combine<float, Max>(out, sources, n, count);
        case DType::bf16: return combine<bf16, Max>(out, sources, n, count);
        case DType::i32: return combine<int32_t, Max>(out, sources, n, count);
        case DType::f64: return combine<double, Max>(out, sources, n, count);
        case DType::c128: CHECK(false, "complex numbers have no maximum");
    }
}

}  // namespace gradus::mpi
