// Muon on the CPU. The products are the table's own linears: A and b·A + c·A·A are symmetric, so a product with either
// is the same as with its transpose, and the linear that reads rows of contiguous memory serves.
#include "kernels/cpu/muon.h"

#include <cmath>
#include <utility>
#include <vector>

#include "kernels/cpu/parallel.h"
#include "kernels/ops.h"
#include "kernels/scalar.h"

namespace gradus::cpu {

namespace {

constexpr int64_t chunk = 1 << 14;  // elements whose squares are summed at once: one sum for any number of threads

// m and u; returns ‖u‖_F. u goes to X.
double momentum(const Muon& op, float* X) {
    const int64_t n = op.master.size();
    const float scale = op.scale ? float(op.scale.as<double>()[0]) : 1.0f, beta = float(op.beta);
    const float* grad = op.grad.as<float>();
    float* m = op.m.as<float>();
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

}  // namespace

void muon(const Muon& op, Stream s) {
    const Ops& ops = cpu_ops();
    const int64_t R = op.master.rows(), I = op.master.last(), n = R * I, r = std::min(R, I);
    float* memory = op.workspace.as<float>();
    auto matrix = [](float* data, int64_t rows, int64_t columns) { return Tensor{data, DType::f32, {rows, columns}}; };
    Tensor X = matrix(memory, R, I), Y = matrix(memory + n, R, I);
    const Tensor A = matrix(memory + 2 * n, r, r), B = matrix(memory + 2 * n + r * r, r, r);

    const float norm = float(momentum(op, X.as<float>()) + 1e-12);
    blend(X.as<float>(), X.as<float>(), 1 / norm, 0, n);
    for (int round = 0; round < 5; ++round) {
        if (R <= I) {
            ops.linear_forward({.y = A, .x = X, .w = X}, s);
        } else {
            ops.zero(A.data, A.bytes(), s);
            ops.linear_backward_weight({.d_w = A, .d_y = X, .x = X}, s);
        }
        ops.linear_forward({.y = B, .x = A, .w = A}, s);
        blend(B.as<float>(), A.as<float>(), -4.7750f, 2.0315f, r * r);
        if (R <= I) ops.linear_backward_input({.d_x = Y, .d_y = B, .w = X}, s);
        else ops.linear_forward({.y = Y, .x = X, .w = B}, s);
        blend(Y.as<float>(), X.as<float>(), 3.4445f, 1, n);
        std::swap(X, Y);
    }

    const float size = 0.2f * std::sqrt(float(std::max(R, I))), lr = float(op.lr), decay = float(op.decay);
    const float* update = X.as<float>();
    float* master = op.master.as<float>();
    bf16* param = op.param ? op.param.as<bf16>() : nullptr;
    parallel(n, chunk, [&](int64_t first, int64_t last) {
#pragma omp simd
        for (int64_t i = first; i < last; ++i) master[i] -= lr * (size * update[i] + decay * master[i]);
        if (param)
            for (int64_t i = first; i < last; ++i) param[i] = bf16(master[i]);
    });
}

}  // namespace gradus::cpu
