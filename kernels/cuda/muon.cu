// Muon on a GPU. The formulas are in kernels/muon.h.
//
// Plan. One matrix after the other. Matmuls are calls of matmul() (kernels/cuda/matmul.h), in the dtype of the workspace; the rest is
// elementwise, four elements per thread. Two sums of the formula use accumulating matmuls:
//
//   B = b·A, then B += c·A·A          Y = a·X, then Y += B·X  (+= X·B if R > I)
//
// The norm is a sum in two stages: each block writes a partial sum, and one warp adds those. u is computed twice, for the norm and
// for X, which costs less than to store it in f32.
#include <cmath>
#include <utility>

#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/matmul.h"
#include "kernels/cuda/packs.h"
#include "kernels/muon.h"

namespace gradus::DEVICE {

namespace {

constexpr int sum_warps = 8;
constexpr int64_t sum_threads = sum_warps * warp, max_parts = 1024;
static_assert((max_parts + 1) * sizeof(float) <= muon_sums * sizeof(bf16));

struct MuonNumbers {
    const double* scale;
    float beta;

    __device__ float scaled(float grad) const { return (scale ? float(*scale) : 1.f) * grad; }
    __device__ float blended(float m, float g) const { return beta * m + (1 - beta) * g; }
};

// Updates m; a partial sum of u² per block.
template <bool aligned>
__global__ void muon_momentum_kernel(float* parts, float* m, const float* grad, MuonNumbers a, int64_t size) {
    SHARED(double, of_warps, [sum_warps]);
    const int64_t first = (row() * warp + threadIdx.x) * four, step = int64_t(gridDim.x) * sum_threads * four;
    double sum = 0;
    for (int64_t i = first; i < size; i += step) {
        float m4[four] = {}, g4[four] = {};
        read_four<aligned>(m4, m, i, size);
        read_four<aligned>(g4, grad, i, size);
#pragma unroll
        for (int j = 0; j < four; ++j) {
            const float g = a.scaled(g4[j]);
            m4[j] = a.blended(m4[j], g);
            const double u = double(a.blended(m4[j], g));
            sum += u * u;
        }
        write_four<aligned>(m, m4, i, size);
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

// X = u / norm
template <class Scalar, bool aligned>
__global__ void muon_normalise_kernel(Scalar* X, const float* m, const float* grad, const float* norm, MuonNumbers a,
                                      int64_t size) {
    const int64_t i = element() * four;
    float m4[four] = {}, g4[four] = {};
    read_four<aligned>(m4, m, i, size);
    read_four<aligned>(g4, grad, i, size);
#pragma unroll
    for (int j = 0; j < four; ++j) m4[j] = a.blended(m4[j], a.scaled(g4[j])) / *norm;
    write_four<aligned>(X, m4, i, size);
}

template <class Scalar, bool aligned>
__global__ void muon_multiple_kernel(Scalar* y, const Scalar* x, float factor, int64_t size) {
    const int64_t i = element() * four;
    float values[four] = {};
    read_four<aligned>(values, x, i, size);
#pragma unroll
    for (int j = 0; j < four; ++j) values[j] *= factor;
    write_four<aligned>(y, values, i, size);
}

template <class Scalar, bool aligned>
__global__ void muon_update_kernel(float* master, bf16* param, const Scalar* X, const StepValues* step_values,
                                   float factor, float decay, int64_t size) {
    const int64_t i = element() * four;
    float w[four] = {}, x[four] = {};
    read_four<aligned>(w, master, i, size);
    read_four<aligned>(x, X, i, size);
#pragma unroll
    for (int j = 0; j < four; ++j) w[j] -= float(step_values->lr) * (factor * x[j] + decay * w[j]);
    write_four<aligned>(master, w, i, size);
    if (param) write_four<aligned>(param, w, i, size);
}

template <class Scalar>
void update(const Muon& op, const MuonMatrix& w, Stream s) {
    constexpr float a = 3.4445f, b = -4.7750f, c = 2.0315f;
    const int64_t R = w.master.rows(), I = w.master.last(), size = R * I, r = std::min(R, I);
    const int64_t groups = (size + four - 1) / four;  // of elements
    const bool wide_matrix = R <= I;
    Scalar* next = op.workspace.as<Scalar>() + muon_sums;
    const auto matrix = [&](int64_t rows, int64_t columns) {
        const Tensor t = {next, dtype_of<Scalar>(), {rows, columns}};
        next += rows * columns;
        return t;
    };
    Tensor X = matrix(R, I), Y = matrix(R, I);
    const Tensor A = matrix(r, r), B = matrix(r, r);
    const auto multiple = [&](const Tensor& y, float factor, const Tensor& x) {
        by_alignment(vectors_aligned({y, x}), [&](auto aligned) {
            launch_elements(muon_multiple_kernel<Scalar, aligned>, (x.size() + four - 1) / four, s, y.as<Scalar>(),
                            x.as<Scalar>(), factor, x.size());
        });
    };

    float *const norm = op.workspace.as<float>(), *const parts = norm + 1;
    const MuonNumbers numbers = {op.scale.as<double>(), float(op.beta)};
    const int64_t count = std::min((groups + sum_threads - 1) / sum_threads, max_parts);
    by_alignment(vectors_aligned({w.m, w.grad, X}), [&](auto aligned) {
        launch(muon_momentum_kernel<aligned>, dim3(unsigned(count)), dim3(warp, sum_warps), 0, s, parts,
               w.m.as<float>(), w.grad.as<float>(), numbers, size);
        launch(muon_norm_kernel, dim3(1), dim3(warp), 0, s, norm, parts, int(count));
        launch_elements(muon_normalise_kernel<Scalar, aligned>, groups, s, X.as<Scalar>(), w.m.as<float>(),
                        w.grad.as<float>(), norm, numbers, size);
    });

    for (int round = 0; round < 5; ++round) {
        matmul({.c = A, .a = X, .b = X, .transpose_a = !wide_matrix, .transpose_b = wide_matrix}, s);
        multiple(B, b, A);
        matmul({.c = B, .a = A, .b = A, .accumulate = true, .alpha = c}, s);
        multiple(Y, a, X);
        matmul({.c = Y, .a = wide_matrix ? B : X, .b = wide_matrix ? X : B, .accumulate = true}, s);
        std::swap(X, Y);
    }

    const auto factor = float(0.2 * std::sqrt(double(std::max(R, I))));
    by_alignment(vectors_aligned({w.master, w.param, X}), [&](auto aligned) {
        launch_elements(muon_update_kernel<Scalar, aligned>, groups, s, w.master.as<float>(), w.param.as<bf16>(),
                        X.as<Scalar>(), op.step_values, factor, float(op.decay), size);
    });
}

}  // namespace

void muon(const Muon& op, Stream s) {
    for (const MuonMatrix& w : op.matrices) {
        require_f32(w.master);
        if (w.master.size() == 0) continue;
        by_dtype(op.workspace.dtype, [&](auto kind) { update<decltype(kind)>(op, w, s); });
    }
}

}  // namespace gradus::DEVICE
