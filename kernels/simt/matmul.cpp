// The matmul of kernels/cuda/matmul.h in place of cuBLASLt: host code in stream order.
//
// Both operands are first copied to f32 and transposed where needed, so that one loop serves every dtype and layout. It
// processes A in blocks of rows and reads a row of B once per block; sums are f32, in the order of k.
#include "kernels/cuda/matmul.h"
#include "kernels/cuda/activation_functions.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/scalar.h"
#include "kernels/simt/counting.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::DEVICE {

namespace {

constexpr int64_t row_block = 16, column_block = 512;  // 32 KiB of sums, which fit in the L1 cache

float value(const Tensor& t, int64_t i) { return t.dtype == DType::bf16 ? float(t.as<bf16>()[i]) : t.as<float>()[i]; }

void put(const Tensor& t, int64_t i, float x) {
    if (t.dtype == DType::bf16) t.as<bf16>()[i] = bf16(x);
    else t.as<float>()[i] = x;
}

int64_t index_of(const Tensor& t, int64_t row, int64_t column) { return row * t.stride() + column; }

// t [rows, columns] in f32; if transposed, t is [columns, rows].
std::vector<float> floats_of(const Tensor& t, bool transposed, int64_t rows, int64_t columns) {
    std::vector<float> out(size_t(rows * columns));
    float* to = out.data();
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) *to++ = value(t, transposed ? index_of(t, j, i) : index_of(t, i, j));
    return out;
}

// sums[i, j] = Σ_k a[i,k]·b[k,j] for `rows` rows and `columns` columns; rows of b are N apart.
void multiply(float* sums, const float* a, const float* b, int64_t rows, int64_t columns, int64_t K, int64_t N) {
    std::fill(sums, sums + rows * columns, 0.f);
    for (int64_t k = 0; k < K; ++k)
        for (int64_t i = 0; i < rows; ++i) {
            const float factor = a[i * K + k];
            for (int64_t j = 0; j < columns; ++j) sums[i * columns + j] += factor * b[k * N + j];
        }
}

void compute(const Matmul& p, int64_t M, int64_t N, int64_t K) {
    const std::vector<float> a = floats_of(p.a, p.transpose_a, M, K), b = floats_of(p.b, p.transpose_b, K, N);
    std::vector<float> sums(size_t(row_block * column_block));
    for (int64_t m = 0; m < M; m += row_block)
        for (int64_t n = 0; n < N; n += column_block) {
            const int64_t rows = std::min(row_block, M - m), columns = std::min(column_block, N - n);
            multiply(sums.data(), a.data() + m * K, b.data() + n, rows, columns, K, N);
            for (int64_t i = 0; i < rows; ++i)
                for (int64_t j = 0; j < columns; ++j) {
                    const int64_t at = index_of(p.c, m + i, n + j);
                    float c = p.alpha * sums[size_t(i * columns + j)];
                    if (p.accumulate) c += value(p.c, at);
                    if (p.bias) c += value(p.bias, n + j);
                    if (p.end == MatmulEnd::activate) {
                        put(p.pre, index_of(p.pre, m + i, n + j), c);
                        c = GeluTanh::value(c);
                    } else if (p.end == MatmulEnd::derive) {
                        c *= GeluTanh::derivative(value(p.pre, index_of(p.pre, m + i, n + j)));
                    }
                    put(p.c, at, c);
                }
        }
}

// Reports to the sanitizers that each row is read or written, as compiled kernel code would.
template <class Tell>
void each_row(const Tensor& t, Tell tell) {
    const size_t row = size_t(t.last()) * size_of(t.dtype);
    if (t.contiguous()) return tell(t.data, t.bytes());
    for (int64_t i = 0; i < t.rows(); ++i) tell(t.slice(i, 1).data, row);
}

void tell_sanitizers(const Matmul& p) {
    for (const Tensor& t : {p.a, p.b, p.bias})
        if (t) each_row(t, [](const void* row, size_t bytes) { emulator::record_read(row, bytes); });
    if (p.accumulate) each_row(p.c, [](const void* row, size_t bytes) { emulator::record_read(row, bytes); });
    if (p.end == MatmulEnd::derive)
        each_row(p.pre, [](const void* row, size_t bytes) { emulator::record_read(row, bytes); });
    if (p.end == MatmulEnd::activate)
        each_row(p.pre, [](void* row, size_t bytes) { emulator::record_write(row, bytes); });
    each_row(p.c, [](void* row, size_t bytes) { emulator::record_write(row, bytes); });
}

}  // namespace

void library_matmul(const Matmul& p, Stream s) {
    const int64_t M = p.c.rows(), N = p.c.last();
    const int64_t K = p.transpose_a ? p.a.rows() : p.a.last();
    enqueue(s, [p, s, M, N, K] {
        const size_t read = p.a.bytes() + p.b.bytes() + (p.accumulate ? p.c.bytes() : 0);
        if (!emulator::count_library_matmul(M, N, K, p.a.dtype == DType::f32, read, p.c.bytes())) return true;
        tell_sanitizers(p);
        if (s.workspace_bytes) {  // overwrite it, as cuBLASLt may
            emulator::record_write(s.workspace, s.workspace_bytes);
            std::memset(s.workspace, 0xFF, s.workspace_bytes);
        }
        compute(p, M, N, K);
        return true;
    });
}

// As cuBLASLt, which has this activation alone.
bool library_matmul_with_activation(const Matmul& p, Stream s) {
    if (p.activation != Activation::gelu_tanh) return false;
    library_matmul(p, s);
    return true;
}

size_t matmul_workspace() { return size_t(64) << 10; }  // a few splits of small matmuls (kernels/cuda/matmul/own.h)

const MatmulTuning* matmul_tuning() { return nullptr; }

}  // namespace gradus::DEVICE
