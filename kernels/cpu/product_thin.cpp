// A few rows of a against a b that is contiguous along K: dot products of long rows. Each row of b is read once and
// meets all rows of a in registers, so the speed is that of reading b.
#include "kernels/cpu/buffer.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/product.h"
#include "kernels/cpu/vector.h"

namespace gradus::cpu {

namespace {

thread_local Buffer buffer;

// M rows of a against `columns` rows of b. The loops over both are unrolled: all sums are in registers.
template <int M, int columns, class Scalar>
void dots(const Product& p, const float* a, int64_t n) {
    const Scalar* b = reinterpret_cast<const Scalar*>(p.b.at(0, n));
    const int64_t stride = p.b.column;
    Floats total[M][columns] = {};
    sweep(p.K, [&](int64_t k, auto lanes) {
        Floats x[M];
#pragma GCC unroll 8
        for (int m = 0; m < M; ++m) x[m] = load(a + m * p.K + k, lanes);
#pragma GCC unroll 8
        for (int c = 0; c < columns; ++c) {
            const Floats w = load(b + c * stride + k, lanes);
#pragma GCC unroll 8
            for (int m = 0; m < M; ++m) total[m][c] += x[m] * w;
        }
    });
    for (int m = 0; m < M; ++m)
        for (int c = 0; c < columns; ++c) {
            Scalar* out = static_cast<Scalar*>(p.out) + m * p.N + n + c;
            *out = Scalar(sum(total[m][c]) + (p.bias ? float(static_cast<const Scalar*>(p.bias)[n + c]) : 0.f));
        }
}

template <int M, class Scalar>
void rows(const Product& p, const float* a) {
    constexpr int columns = M == 1 ? 8 : M <= 2 ? 4 : M <= 4 ? 2 : 1;
    const int64_t grain = std::max<int64_t>(columns, (1 << 15) / p.K / columns * columns);
    parallel(p.N, grain, [&](int64_t first, int64_t last) {
        int64_t n = first;
        for (; n + columns <= last; n += columns) dots<M, columns, Scalar>(p, a, n);
        for (; n < last; ++n) dots<M, 1, Scalar>(p, a, n);
    });
}

template <class Scalar>
void run(const Product& p) {
    const float* a = static_cast<const float*>(p.a.data);
    if (p.a.dtype == DType::bf16) {
        float* wide = buffer.floats(size_t(p.M * p.K));
        sweep(p.M * p.K, [&](int64_t i, auto lanes) { store(wide + i, load(static_cast<const bf16*>(p.a.data) + i, lanes), lanes); });
        a = wide;
    }
    switch (p.M) {
        case 1: return rows<1, Scalar>(p, a);
        case 2: return rows<2, Scalar>(p, a);
        case 3: return rows<3, Scalar>(p, a);
        case 4: return rows<4, Scalar>(p, a);
        case 5: return rows<5, Scalar>(p, a);
        case 6: return rows<6, Scalar>(p, a);
        case 7: return rows<7, Scalar>(p, a);
        default: return rows<8, Scalar>(p, a);
    }
}

}  // namespace

void thin_product(const Product& p) {
    CHECK(p.M >= 1 && p.M <= thin_rows && !p.accumulate && p.dtype == p.a.dtype && p.dtype == p.b.dtype, "not a thin product");
    CHECK(p.a.row == p.K && p.a.column == 1 && p.b.row == 1, "a thin product reads rows");
    if (p.dtype == DType::bf16) run<bf16>(p);
    else run<float>(p);
}

}  // namespace gradus::cpu
