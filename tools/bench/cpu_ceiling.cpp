#include "tools/bench/cpu_ceiling.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/memory.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/vector.h"
#include "kernels/parallel.h"
#include "tools/bench/rounds.h"

namespace gradus {

namespace {

// n random elements between −1 and 1.
template <class Scalar>
Scalar* random_elements(int64_t n) {
    Scalar* x = static_cast<Scalar*>(cpu::allocate(size_t(n) * sizeof(Scalar)));
    uint32_t state = 1;
    for (int64_t i = 0; i < n; ++i) {
        state = state * 1664525u + 1013904223u;
        x[i] = Scalar(float(int32_t(state)) * 0x1p-31f);
    }
    return x;
}

template <class Scalar>
double matmul_gflops() {
    constexpr int64_t n = 2048;
    // Kept until the program ends, so that later calls time only the matmul.
    static Scalar *const a = random_elements<Scalar>(n * n), *const b = random_elements<Scalar>(n * n);
    static float* const out = random_elements<float>(n * n);
    const cpu::Matmul matmul = {.out = out,
                                .dtype = DType::f32,
                                .M = n,
                                .N = n,
                                .K = n,
                                .a = {a, dtype_of<Scalar>(), n, 1},
                                .b = {b, dtype_of<Scalar>(), n, 1}};
    static bool warm = false;
    if (!warm) cpu::onednn_matmul(matmul);
    warm = true;
    const auto start = Clock::now();
    cpu::onednn_matmul(matmul);
    return 2.0 * n * n * n / seconds_since(start) * 1e-9;
}

}  // namespace

double measure_ceiling_gflops(DType dtype) {
    return dtype == DType::bf16 && cpu::multiplies_bf16() ? matmul_gflops<bf16>() : matmul_gflops<float>();
}

double measure_read_bandwidth() {
    // Four streams at a time, because a single one would measure memory latency. The result is the best of a few
    // passes: each is so short that other work on the machine could halve it.
    constexpr int64_t n = int64_t(64) << 20, chunk = 1 << 20, stream = chunk / 4;
    static const float* const memory = random_elements<float>(n);
    std::vector<float> sums(size_t(n / chunk));
    double best = 0;
    for (int pass = 0; pass < 5; ++pass) {
        const auto start = Clock::now();
        cpu::parallel(n / chunk, 1, [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                cpu::Floats part[4] = {};
                for (int64_t j = 0; j < stream; j += cpu::width)
#pragma GCC unroll 4
                    for (int s = 0; s < 4; ++s) part[s] += cpu::load(memory + i * chunk + s * stream + j);
                sums[size_t(i)] = cpu::sum((part[0] + part[1]) + (part[2] + part[3]));
            }
        });
        CHECK(sums[0] == sums[0], "the memory contains numbers");
        best = std::max(best, double(n) * 4 / seconds_since(start) * 1e-9);
    }
    return best;
}

}  // namespace gradus
