// Muon on a GPU. The formulas are in kernels/muon.h.
//
// Plan. One matrix after the other. Matmuls are calls of matmul() (kernels/cuda/matmul.h); the rest is elementwise, one thread
// per element. Two sums of the formula use accumulating matmuls:
//
//   B = b·A, then B += c·A·A          Y = a·X, then Y += B·X  (+= X·B if R > I)
//
// The norm is a sum in two stages: each block writes a partial sum, and one warp adds those. The partial sums use the memory of
// Y, and the norm that of A; X is divided by the norm before either is written.
#include <cmath>
#include <utility>

#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/matmul.h"
#include "kernels/muon.h"

namespace gradus::DEVICE {

namespace {

constexpr int sum_warps = 8;
constexpr int64_t sum_threads = sum_warps * warp, max_parts = 1024;

// Updates m and writes u to X; a partial sum of u² per block.
__global__ void muon_momentum_kernel(float* X, float* parts, float* m, const float* grad, const double* scale,
                                     float beta, int64_t size) {
    SHARED(double, of_warps, [sum_warps]);
    const int64_t first = row() * warp + threadIdx.x, step = int64_t(gridDim.x) * sum_threads;
    const float factor = scale ? float(*scale) : 1.f;
    double sum = 0;
    for (int64_t i = first; i < size; i += step) {
        const float g = factor * grad[i];
        m[i] = beta * m[i] + (1 - beta) * g;
        X[i] = beta * m[i] + (1 - beta) * g;
        sum += double(X[i]) * double(X[i]);
    }
    sum = block_sum(sum, of_warps);
    if (threadIdx.x == 0 && threadIdx.y == 0) parts[blockIdx.x] = float(sum);
}

__global__ void muon_norm_kernel(float* norm, const float* parts, int count) {
    double sum = 0;
    for (int k = threadIdx.x; k < count; k += warp) sum += double(parts[k]);
    sum = warp_sum(sum);
    if (threadIdx.x == 0) *norm = float(sqrt(sum) + 1e-12);
}

__global__ void muon_divide_kernel(float* X, const float* norm, int64_t size) {
    const int64_t i = element();
    if (i < size) X[i] /= *norm;
}

__global__ void muon_multiple_kernel(float* y, const float* x, float factor, int64_t size) {
    const int64_t i = element();
    if (i < size) y[i] = factor * x[i];
}

__global__ void muon_update_kernel(float* master, bf16* param, const float* X, const StepValues* step_values,
                                   float factor, float decay, int64_t size) {
    const int64_t i = element();
    if (i >= size) return;
    const float w = master[i] - float(step_values->lr) * (factor * X[i] + decay * master[i]);
    master[i] = w;
    if (param) param[i] = bf16(w);
}

void update(const Muon& op, const MuonMatrix& w, Stream s) {
    constexpr float a = 3.4445f, b = -4.7750f, c = 2.0315f;
    const int64_t R = w.master.rows(), I = w.master.last(), size = R * I, r = std::min(R, I);
    const bool wide_matrix = R <= I;
    float* const workspace = op.workspace.as<float>();
    Tensor X = {workspace, DType::f32, {R, I}}, Y = {workspace + size, DType::f32, {R, I}};
    const Tensor A = {workspace + 2 * size, DType::f32, {r, r}}, B = {workspace + 2 * size + r * r, DType::f32, {r, r}};
    const auto multiple = [&](const Tensor& y, float factor, const Tensor& x) {
        launch_elements(muon_multiple_kernel, x.size(), s, y.as<float>(), x.as<float>(), factor, x.size());
    };

    float *const parts = Y.as<float>(), *const norm = A.as<float>();
    const int64_t count = std::min((size + sum_threads - 1) / sum_threads, max_parts);
    launch(muon_momentum_kernel, dim3(unsigned(count)), dim3(warp, sum_warps), 0, s, X.as<float>(), parts,
           w.m.as<float>(), w.grad.as<float>(), op.scale.as<double>(), float(op.beta), size);
    launch(muon_norm_kernel, dim3(1), dim3(warp), 0, s, norm, parts, int(count));
    launch_elements(muon_divide_kernel, size, s, X.as<float>(), norm, size);

    for (int round = 0; round < 5; ++round) {
        matmul({.c = A, .a = X, .b = X, .transpose_a = !wide_matrix, .transpose_b = wide_matrix}, s);
        multiple(B, b, A);
        matmul({.c = B, .a = A, .b = A, .accumulate = true, .alpha = c}, s);
        multiple(Y, a, X);
        matmul({.c = Y, .a = wide_matrix ? B : X, .b = wide_matrix ? X : B, .accumulate = true}, s);
        std::swap(X, Y);
    }

    const auto factor = float(0.2 * std::sqrt(double(std::max(R, I))));
    launch_elements(muon_update_kernel, size, s, w.master.as<float>(), w.param.as<bf16>(), X.as<float>(),
                    op.step_values, factor, float(op.decay), size);
}

}  // namespace

void muon(const Muon& op, Stream s) {
    require_f32(op.workspace);
    for (const MuonMatrix& w : op.matrices)
        if (w.master.size()) update(op, w, s);
}

}  // namespace gradus::DEVICE
