#pragma once
// What the two norms share. A row is read from memory once and stays in the first cache for the further passes over it.
//
// Gradients of gain and bias are sums over rows. Rows are taken in chunks of a fixed number, each chunk has its own
// partial sums, and these are added in the order of the chunks: one result for any number of threads.
#include "kernels/cpu/buffer.h"
#include "kernels/cpu/vector.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

constexpr int64_t rows_of_chunk = 16;

// Floats that the partial sums of a call need.
inline int64_t norm_scratch(int64_t N, int64_t C, int sums) {
    return (N + rows_of_chunk - 1) / rows_of_chunk * sums * C;
}

inline int64_t norm_grain(int64_t C) { return std::max<int64_t>(1, (1 << 13) / C); }

// x = a + b, where there are both. Returns the row to normalise.
template <class Scalar>
const Scalar* joined(Scalar* x, const Scalar* a, const Scalar* b, int64_t C) {
    if (!b) return a;
    sweep(C, [&](int64_t c, auto lanes) { store(x + c, load(a + c, lanes) + load(b + c, lanes), lanes); });
    return x;
}

// Runs chunk(first row, last row, partial) for all chunks, where partial is `sums` rows of C zeros to add to, then adds
// the partials of row s to totals[s], unless that is null.
template <class Chunk>
void by_chunks(int64_t N, int64_t C, int sums, float* const* totals, Chunk&& chunk) {
    static thread_local Buffer buffer;
    const int64_t chunks = (N + rows_of_chunk - 1) / rows_of_chunk, width_of_partial = sums * C;
    float* const partials = buffer.floats(size_t(norm_scratch(N, C, sums)));
    parallel(chunks, std::max<int64_t>(1, norm_grain(C) / rows_of_chunk), [&](int64_t first, int64_t last) {
        for (int64_t k = first; k < last; ++k) {
            float* partial = partials + k * width_of_partial;
            std::fill(partial, partial + width_of_partial, 0.f);
            chunk(k * rows_of_chunk, std::min(N, (k + 1) * rows_of_chunk), partial);
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
                             all += load(partials + k * width_of_partial + s * C + c, lanes);
                         store(totals[s] + c, load(totals[s] + c, lanes) + all, lanes);
                     });
                 });
    }
}

}  // namespace gradus::cpu
