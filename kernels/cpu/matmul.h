#pragma once
// The matmul of every linear, for f32 and bf16 operands in any transposition:
//
//   out[m,n] = Σ_k a[m,k] · b[k,n] (+ bias[n])              accumulate: out[m,n] += …
//
// Sums are f32. In the functions of this header the order of every sum depends only on the shape, so the result is the same
// for any number of threads. oneDNN, which is used on machines with bf16 instructions, guarantees that only for a fixed number
// of threads.
#include "kernels/tensor.h"

namespace gradus::cpu {

// A matrix with strides in elements, one of which is 1: its transpose is a view of the same memory.
struct Matrix {
    const void* data;
    DType dtype;
    int64_t row, column;

    Matrix transposed() const { return {data, dtype, column, row}; }
    bool rows_are_contiguous() const { return column == 1; }
    const char* at(int64_t m, int64_t n) const {
        return static_cast<const char*>(data) + size_t(m * row + n * column) * size_of(dtype);
    }
};
inline Matrix matrix(const Tensor& t) { return {t.data, t.dtype, t.stride(), 1}; }

struct Matmul {
    void* out;    // [M,N], rows contiguous
    DType dtype;  // of out
    int64_t M, N, K;
    Matrix a, b;                 // [M,K], [K,N]
    const void* bias = nullptr;  // [N], of out's dtype
    bool accumulate = false;     // f32 out only
    bool symmetric = false;      // b is a's transpose, f32: only the half below the diagonal is computed, then mirrored
    int64_t out_stride = 0;      // elements from one row of out to the next; 0: N

    int64_t out_row() const { return out_stride ? out_stride : N; }
};

// For more than a few rows: packs blocks of both operands into f32 panels and multiplies the panels.
void packed_matmul(const Matmul&);
int64_t packed_matmul_scratch(int64_t M, int64_t N, int64_t K, DType out);  // floats of scratch memory

// The part of packed_matmul for an a of few rows that stays in the cache while b passes by: each thread packs a panel of b and
// multiplies it while it is in the L1 cache. The same bits as with more rows.
constexpr int64_t low_rows = 512, low_size = 1 << 21;  // of a: rows, elements
inline bool is_low(int64_t M, int64_t K) { return M <= low_rows && M * K <= low_size; }
inline bool is_low(const Matmul& p) { return is_low(p.M, p.K) && !p.accumulate && !p.symmetric; }
void low_matmul(const Matmul&);
// Floats of scratch memory; each further thread has at most 90 KiB more.
int64_t low_matmul_scratch(int64_t M, int64_t K);

// For M ≤ thin_rows rows and a b that is contiguous along K (y = x·wᵀ in generation): memory bound, reads b once.
constexpr int64_t thin_rows = 8;
void thin_matmul(const Matmul&);

}  // namespace gradus::cpu
