#pragma once
// Shared by the two norms. A row is read from memory once and stays in the L1 cache for later passes over it.
//
// The gradients of gain and bias are sums over rows. Each chunk of rows_per_chunk rows has its own partial sums, which are
// added in the order of the chunks: the result is the same for any number of threads.
#include "kernels/cpu/buffer.h"
#include "kernels/cpu/vector.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

constexpr int64_t rows_per_chunk = 16;

// Floats of the partial sums of a call.
inline int64_t norm_scratch(int64_t N, int64_t C, int sums) {
    return (N + rows_per_chunk - 1) / rows_per_chunk * sums * C;
}

inline int64_t norm_grain(int64_t C) { return std::max<int64_t>(1, (1 << 13) / C); }

// Computes x = a + b and returns x; returns a if b is null.
template <class Scalar>
const Scalar* residual_sum(Scalar* x, const Scalar* a, const Scalar* b, int64_t C) {
    if (!b) return a;
    sweep(C, [&](int64_t c, auto lanes) { store(x + c, load(a + c, lanes) + load(b + c, lanes), lanes); });
    return x;
}

// Runs chunk(first row, last row, partial) for all chunks; partial is [sums, C], zeros before the call. Then adds row s of all
// partials to totals[s], unless that is null.
template <class Chunk>
void by_chunks(int64_t N, int64_t C, int sums, float* const* totals, Chunk&& chunk) {
    static thread_local Buffer buffer;
    const int64_t chunks = (N + rows_per_chunk - 1) / rows_per_chunk, partial_size = sums * C;
    float* const partials = buffer.floats(size_t(norm_scratch(N, C, sums)));
    parallel(chunks, std::max<int64_t>(1, norm_grain(C) / rows_per_chunk), [&](int64_t first, int64_t last) {
        for (int64_t k = first; k < last; ++k) {
            float* partial = partials + k * partial_size;
            std::fill(partial, partial + partial_size, 0.f);
            chunk(k * rows_per_chunk, std::min(N, (k + 1) * rows_per_chunk), partial);
        }
    });
    for (int s = 0; s < sums; ++s) {
        if (!totals[s]) continue;
        parallel(C, std::max<int64_t>(64, (1 << 15) / std::max<int64_t>(chunks, 1) / 64 * 64),
                 [&](int64_t first, int64_t last) {
                     sweep(last - first, [&](int64_t i, auto lanes) {
                         const int64_t c = first + i;
                         Floats all = {};
                         for (int64_t k = 0; k < chunks; ++k)
                             all += load(partials + k * partial_size + s * C + c, lanes);
                         store(totals[s] + c, load(totals[s] + c, lanes) + all, lanes);
                     });
                 });
    }
}

}  // namespace gradus::cpu
