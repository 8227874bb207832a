// Muon on the CPU. All threads work on a large matrix; small matrices are distributed, one thread each, because their matmuls
// are too small for several threads. A and b·A + c·A·A are symmetric: only half of each is computed, and a matmul with one
// equals a matmul with its transpose. In f32, a·X + (b·A + c·A·A)·X is one matmul,
// with a added to the diagonal.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/cpu/buffer.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/matmul.h"
#include "kernels/muon.h"
#include "kernels/parallel.h"
#include "kernels/scalar.h"

namespace gradus::cpu {

namespace {

constexpr int64_t chunk = 1 << 14;  // elements per partial sum of squares: the same for any number of threads
constexpr int64_t small = 1 << 19;  // floats of workspace: X, A and B fit in the caches of one core

// Updates m and writes u to X; returns ‖u‖_F.
double momentum(const Muon& op, const MuonMatrix& w, float* X) {
    const int64_t n = w.master.size();
    const float scale = op.scale ? float(op.scale.as<double>()[0]) : 1.0f, beta = float(op.beta);
    const float* grad = w.grad.as<float>();
    float* m = w.m.as<float>();
    std::vector<double> squares(size_t((n + chunk - 1) / chunk), 0.0);
    parallel(n, chunk, [&](int64_t first, int64_t last) {
        for (int64_t from = first; from < last; from += chunk) {
            const int64_t to = std::min(last, from + chunk);
            float sum = 0;
#pragma omp simd reduction(+ : sum)
            for (int64_t i = from; i < to; ++i) {
                const float g = (1 - beta) * scale * grad[i];
                m[i] = beta * m[i] + g;
                X[i] = beta * m[i] + g;
                sum += X[i] * X[i];
            }
            squares[size_t(from / chunk)] = double(sum);
        }
    });
    double total = 0;
    for (double s : squares) total += s;
    return std::sqrt(total);
}

// y = alpha·x + beta·y
void blend(float* y, const float* x, float alpha, float beta, int64_t n) {
    parallel(n, chunk, [&](int64_t first, int64_t last) {
#pragma omp simd
        for (int64_t i = first; i < last; ++i) y[i] = alpha * x[i] + beta * y[i];
    });
}

// In bf16 the matrices are floats that are rounded where the formula rounds.
void round_to_bf16(float* x, int64_t n) {
    parallel(n, chunk, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) x[i] = float(bf16(x[i]));
    });
}

void update(const Muon& op, const MuonMatrix& w, float* workspace) {
    const int64_t R = w.master.rows(), I = w.master.last(), n = R * I, r = std::min(R, I);
    const bool half = op.workspace.dtype == DType::bf16;
    const auto stored = [&](float* x, int64_t size) {
        if (half) round_to_bf16(x, size);
    };
    const auto add_multiple = [&](float* sum, const float* x, float alpha, float beta, int64_t size) {
        if (!half) return blend(sum, x, alpha, beta, size);
        parallel(size, chunk, [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) sum[i] = float(bf16(float(bf16(alpha * x[i])) + beta * sum[i]));
        });
    };
    float *X = workspace, *Y = X + n, *const A = Y + n, *const B = A + r * r;
    auto rows_of = [](const float* data, int64_t columns) { return Matrix{data, DType::f32, columns, 1}; };

    const float norm = float(momentum(op, w, X) + 1e-12);
    blend(X, X, 1 / norm, 0, n);
    stored(X, n);
    for (int round = 0; round < 5; ++round) {
        const Matrix x = rows_of(X, I), across = R <= I ? x : x.transposed();
        packed_matmul({.out = A,
                       .dtype = DType::f32,
                       .M = r,
                       .N = r,
                       .K = std::max(R, I),
                       .a = across,
                       .b = across.transposed(),
                       .symmetric = true});
        stored(A, r * r);
        packed_matmul({.out = B,
                       .dtype = DType::f32,
                       .M = r,
                       .N = r,
                       .K = r,
                       .a = rows_of(A, r),
                       .b = rows_of(A, r).transposed(),
                       .symmetric = true});
        add_multiple(B, A, -4.7750f, 2.0315f, r * r);
        if (!half)
            for (int64_t i = 0; i < r; ++i) B[i * r + i] += 3.4445f;
        const Matrix quintic = rows_of(B, r);
        packed_matmul({.out = Y,
                       .dtype = DType::f32,
                       .M = R,
                       .N = I,
                       .K = r,
                       .a = R <= I ? quintic : x,
                       .b = R <= I ? x : quintic});
        if (half) add_multiple(Y, X, 3.4445f, 1, n);
        std::swap(X, Y);
    }

    const float size = 0.2f * std::sqrt(float(std::max(R, I))), lr = float(op.step_values->lr), decay = float(op.decay);
    float* master = w.master.as<float>();
    bf16* param = w.param ? w.param.as<bf16>() : nullptr;
    parallel(n, chunk, [&](int64_t first, int64_t last) {
#pragma omp simd
        for (int64_t i = first; i < last; ++i) master[i] -= lr * (size * X[i] + decay * master[i]);
        if (param)
            for (int64_t i = first; i < last; ++i) param[i] = bf16(master[i]);
    });
}

thread_local Buffer buffer;

}  // namespace

void muon(const Muon& op, Stream) {
    const bool half = op.workspace.dtype == DType::bf16;
    std::vector<const MuonMatrix*> small_matrices;
    for (const MuonMatrix& w : op.matrices) {
        require_f32(w.master);
        const auto floats = size_t(muon_workspace(w.master.rows(), w.master.last()));
        if (int64_t(floats) > small) update(op, w, half ? buffer.floats(floats) : op.workspace.as<float>());
        else small_matrices.push_back(&w);
    }
    std::stable_sort(small_matrices.begin(), small_matrices.end(), [](const MuonMatrix* a, const MuonMatrix* b) {
        return a->master.size() > b->master.size();  // largest first, for load balance
    });
    parallel_items(int64_t(small_matrices.size()), 1, [&](int64_t i, int) {
        const MuonMatrix& w = *small_matrices[size_t(i)];
        update(op, w, buffer.floats(size_t(muon_workspace(w.master.rows(), w.master.last()))));
    });
}

}  // namespace gradus::cpu
