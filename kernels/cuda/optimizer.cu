// Sum of squares, clipping, AdamW and the moving average on a GPU. The formulas are in kernels/optimizer.h.
//
// Plan.
//   square_sum   Two stages. At most 1024 blocks, with a few elements per thread, each write a partial sum to `parts`; one warp
//                adds those. The order of the additions depends only on the size.
//   clip_scale   One thread.
//   adamw        One thread per weight.
//   average      One thread per weight.
#include <cmath>

#include "engine/base/philox.h"
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/rounding.h"
#include "kernels/optimizer.h"

namespace gradus::DEVICE {

namespace {

// ---- square_sum --------------------------------------------------------------------------------------------------

constexpr int sum_warps = 8;
constexpr int64_t sum_threads = sum_warps * warp, elements_per_part = 8 * sum_threads;

template <class Scalar>
__global__ void square_sum_parts_kernel(double* parts, const Scalar* x, int64_t size) {
    SHARED(double, of_warps, [sum_warps]);
    const int64_t first = row() * warp + threadIdx.x, step = int64_t(gridDim.x) * sum_threads;
    double sum = 0;
    for (int64_t i = first; i < size; i += step) sum += wide(x[i]) * wide(x[i]);
    sum = block_sum(sum, of_warps);
    if (threadIdx.x == 0 && threadIdx.y == 0) parts[blockIdx.x] = sum;
}

__global__ void square_sum_total_kernel(double* total, const double* parts, int count) {
    double sum = 0;
    for (int k = threadIdx.x; k < count; k += warp) sum += parts[k];
    sum = warp_sum(sum);
    if (threadIdx.x == 0) *total += sum;
}

// ---- clip_scale --------------------------------------------------------------------------------------------------

__global__ void clip_scale_kernel(double* scale, const double* total, double max_norm) {
    const double ratio = max_norm / (sqrt(*total) + 1e-6);
    *scale = max_norm > 0 && ratio < 1 ? ratio : 1;
}

// ---- adamw -------------------------------------------------------------------------------------------------------

struct AdamWNumbers {
    float beta1, beta2, one_minus_beta1, one_minus_beta2, eps, decay;
    uint64_t first;
};

__global__ void adamw_kernel(float* master, float* m, float* v, bf16* param, const float* grad, const double* scale,
                             int64_t n, const StepValues* step_values, AdamWNumbers a) {
    const int64_t i = element();
    if (i >= n) return;
    const float g = (scale ? float(*scale) : 1.f) * grad[i];
    const float m_new = a.beta1 * m[i] + a.one_minus_beta1 * g;
    const float v_new = a.beta2 * v[i] + a.one_minus_beta2 * g * g;
    const auto correction1 = float(step_values->correction1), correction2 = float(step_values->correction2);
    const float direction = m_new / correction1 / (sqrtf(v_new / correction2) + a.eps);
    const float w = master[i] - float(step_values->lr) * (direction + a.decay * master[i]);
    m[i] = m_new;
    v[i] = v_new;
    master[i] = w;
    if (!param) return;
    const uint64_t key = step_values->rounding_key;
    if (key) param[i] = stochastically_rounded(w, Philox{key}.words(a.first + uint64_t(i))[0]);
    else param[i] = bf16(w);
}

// ---- average -----------------------------------------------------------------------------------------------------

__global__ void average_kernel(float* average, const float* x, int64_t n, float rate) {
    const int64_t i = element();
    if (i < n) average[i] += rate * (x[i] - average[i]);
}

}  // namespace

void square_sum(const SquareSum& a, Stream s) {
    const int64_t size = a.x.size();
    const int64_t parts = std::min((size + elements_per_part - 1) / elements_per_part, square_sum_parts);
    if (size == 0) return;
    by_any_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch(square_sum_parts_kernel<Scalar>, dim3(unsigned(parts)), dim3(warp, sum_warps), 0, s,
               a.parts.as<double>(), a.x.as<Scalar>(), size);
    });
    launch(square_sum_total_kernel, dim3(1), dim3(warp), 0, s, a.total.as<double>(), a.parts.as<double>(), int(parts));
}

void clip_scale(const ClipScale& a, Stream s) {
    launch(clip_scale_kernel, dim3(1), dim3(1), 0, s, a.scale.as<double>(), a.total.as<double>(), a.max_norm);
}

void adamw(const AdamW& a, Stream s) {
    require_f32(a.master);
    const AdamWNumbers numbers = {.beta1 = float(a.beta1),
                                  .beta2 = float(a.beta2),
                                  .one_minus_beta1 = float(1 - a.beta1),
                                  .one_minus_beta2 = float(1 - a.beta2),
                                  .eps = float(a.eps),
                                  .decay = float(a.decay),
                                  .first = uint64_t(a.first)};
    launch_elements(adamw_kernel, a.master.size(), s, a.master.as<float>(), a.m.as<float>(), a.v.as<float>(),
                    a.param.as<bf16>(), a.grad.as<float>(), a.scale.as<double>(), a.master.size(), a.step_values,
                    numbers);
}

void average(const Average& a, Stream s) {
    require_f32(a.average);
    launch_elements(average_kernel, a.x.size(), s, a.average.as<float>(), a.x.as<float>(), a.x.size(), float(a.rate));
}

}  // namespace gradus::DEVICE
