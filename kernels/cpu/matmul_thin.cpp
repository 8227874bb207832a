// The thin matmul: dot products of a few rows of a with the rows of bᵀ. Each row of bᵀ is read once for all rows of a, so
// reading b limits the speed.
#include "kernels/cpu/buffer.h"
#include "kernels/cpu/matmul.h"
#include "kernels/cpu/vector.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

thread_local Buffer buffer;

// M rows of a against one row of bᵀ, each with `chains` independent sums to hide the latency of the multiply-adds. Hardware
// prefetchers work best with rows in sequence; in bf16, where rows are short and take longer to process, the next row is also
// prefetched explicitly.
template <int M, int chains, class Scalar>
void dot(const Matmul& p, const float* a, int64_t n) {
    constexpr int64_t step = chains * width, line = 64 / sizeof(Scalar);
    const Scalar* b = reinterpret_cast<const Scalar*>(p.b.at(0, n));
    Floats total[M][chains] = {};
    int64_t k = 0;
    for (; k + step <= p.K; k += step) {
        if constexpr (std::is_same_v<Scalar, bf16>)
            for (int64_t i = 0; i < std::max(step, line); i += line) __builtin_prefetch(b + p.b.column + k + i);
#pragma GCC unroll 8
        for (int j = 0; j < chains; ++j) {
            const Floats w = load(b + k + j * width);
#pragma GCC unroll 8
            for (int m = 0; m < M; ++m) total[m][j] += load(a + m * p.K + k + j * width) * w;
        }
    }
    sweep(p.K - k, [&](int64_t i, auto lanes) {
        const Floats w = load(b + k + i, lanes);
        for (int m = 0; m < M; ++m) total[m][0] += load(a + m * p.K + k + i, lanes) * w;
    });
    for (int m = 0; m < M; ++m) {
        Floats all = total[m][0];
        for (int j = 1; j < chains; ++j) all += total[m][j];
        const float bias = p.bias ? float(static_cast<const Scalar*>(p.bias)[n]) : 0;
        static_cast<Scalar*>(p.out)[m * p.out_row() + n] = Scalar(sum(all) + bias);
    }
}

template <int M, class Scalar>
void rows(const Matmul& p, const float* a) {
    constexpr int chains = M == 1 ? 4 : M <= 3 ? 2 : 1;
    parallel(p.N, std::max<int64_t>(1, (1 << 15) / p.K), [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; ++n) dot<M, chains, Scalar>(p, a, n);
    });
}

template <class Scalar>
void run(const Matmul& p) {
    const float* a = static_cast<const float*>(p.a.data);
    if (p.a.dtype == DType::bf16) {
        float* wide = buffer.floats(size_t(p.M * p.K));
        sweep(p.M * p.K, [&](int64_t i, auto lanes) {
            store(wide + i, load(static_cast<const bf16*>(p.a.data) + i, lanes), lanes);
        });
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

void thin_matmul(const Matmul& p) {
    CHECK(p.M >= 1 && p.M <= thin_rows && !p.accumulate && p.dtype == p.a.dtype && p.dtype == p.b.dtype,
          "not a thin matmul");
    CHECK(p.a.row == p.K && p.a.column == 1 && p.b.row == 1, "a thin matmul needs contiguous rows");
    if (p.dtype == DType::bf16) run<bf16>(p);
    else run<float>(p);
}

}  // namespace gradus::cpu
