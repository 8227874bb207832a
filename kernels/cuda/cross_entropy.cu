// Cross-entropy on a GPU. The formulas are in kernels/cross_entropy.h.
//
// Plan.
//   stats           One warp per row: one pass for the largest logit, one for the sums.
//   join, forward   One thread per row, of four numbers per rank.
//   backward        One thread per logit.
#include "kernels/cross_entropy.h"
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"

namespace gradus::DEVICE {

namespace {

// A row of stats.
struct Stats {
    float max, sum_exp, target_logit, logit_sum;
};

__device__ Stats stats_of(const float* stats, int64_t n) {
    return {stats[n * 4], stats[n * 4 + 1], stats[n * 4 + 2], stats[n * 4 + 3]};
}

__device__ void write(float* stats, int64_t n, const Stats& row) {
    stats[n * 4] = row.max;
    stats[n * 4 + 1] = row.sum_exp;
    stats[n * 4 + 2] = row.target_logit;
    stats[n * 4 + 3] = row.logit_sum;
}

// The value subtracted before exp: the maximum, unless all logits are −∞, because −∞ − (−∞) is NaN.
__device__ float relative_to(float max) { return max == -infinity ? 0.f : max; }

template <class Scalar>
__global__ void cross_entropy_stats_kernel(float* stats, const Scalar* logits, const int32_t* targets, int64_t N,
                                           int64_t Vr, int64_t stride, int64_t vocab_offset,
                                           float inverse_temperature) {
    const int64_t n = row();
    const int lane = threadIdx.x;
    if (n >= N) return;
    const Scalar* const z = logits + n * stride;

    float max = -infinity;
    for (int64_t v = lane; v < Vr; v += warp) max = fmaxf(max, float(z[v]));
    max = warp_max(max);

    float sum_exp = 0, logit_sum = 0;
    for (int64_t v = lane; v < Vr; v += warp) {
        sum_exp += expf((float(z[v]) - relative_to(max)) * inverse_temperature);
        logit_sum += float(z[v]);
    }
    sum_exp = warp_sum(sum_exp);
    logit_sum = warp_sum(logit_sum) * inverse_temperature;

    const int64_t target = targets[n] - vocab_offset;
    const float target_logit = target >= 0 && target < Vr ? float(z[target]) * inverse_temperature : 0.f;
    if (lane == 0) write(stats, n, {max * inverse_temperature, sum_exp, target_logit, logit_sum});
}

__global__ void cross_entropy_join_kernel(float* stats, const float* parts, int64_t N, int64_t R) {
    const int64_t n = element();
    if (n >= N) return;
    float max = -infinity;
    for (int64_t r = 0; r < R; ++r) max = fmaxf(max, stats_of(parts, r * N + n).max);

    float sum_exp = 0, target_logit = 0, logit_sum = 0;
    for (int64_t r = 0; r < R; ++r) {
        const Stats part = stats_of(parts, r * N + n);
        sum_exp += part.sum_exp * expf(part.max - relative_to(max));
        target_logit += part.target_logit;
        logit_sum += part.logit_sum;
    }
    write(stats, n, {max, sum_exp, target_logit, logit_sum});
}

__global__ void cross_entropy_forward_kernel(float* loss, float* lse, float* log_prob, const float* stats,
                                             const int32_t* targets, int64_t N, int64_t V, float kept, float uniform,
                                             float z_loss) {
    const int64_t n = element();
    if (n >= N) return;
    device_check(targets[n] < V);
    const auto [max, sum_exp, target_logit, logit_sum] = stats_of(stats, n);
    const float l = max + logf(sum_exp);
    const bool ignored = targets[n] < 0;
    lse[n] = l;
    loss[n] = ignored ? 0.f : l - kept * target_logit - uniform * logit_sum + z_loss * l * l;
    if (log_prob) log_prob[n] = ignored ? 0.f : target_logit - l;
}

template <class Scalar>
__global__ void cross_entropy_backward_kernel(Scalar* logits, const float* lse, const int32_t* targets,
                                              const float* coefficient, const StepValues* step_values, int64_t N,
                                              int64_t Vr, int64_t stride, int64_t V, int64_t vocab_offset,
                                              float constant, float kept, float uniform, float z_loss,
                                              float inverse_temperature) {
    const int64_t i = element(), n = i / Vr, v = vocab_offset + i % Vr;
    if (n >= N) return;
    device_check(targets[n] < V);
    Scalar& z = logits[n * stride + i % Vr];
    const float weight = coefficient ? coefficient[n] : 1.f;
    const float scale = step_values ? float(step_values->loss_scale) * constant : constant;
    const float p = expf(float(z) * inverse_temperature - lse[n]) * (1 + 2 * z_loss * lse[n]);
    const float one_hot = v == targets[n] ? kept : 0.f;
    const bool ignored = targets[n] < 0 || weight == 0;
    z = Scalar(ignored ? 0.f : scale * weight * (p - one_hot - uniform));
}

}  // namespace

void cross_entropy_stats(const CrossEntropyStats& a, Stream s) {
    const int64_t N = a.logits.rows(), Vr = a.logits.last();
    by_dtype(a.logits.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows(cross_entropy_stats_kernel<Scalar>, N, s, a.stats.as<float>(), a.logits.as<Scalar>(),
                    a.targets.as<int32_t>(), N, Vr, a.logits.stride(), a.vocab_offset, float(1 / a.temperature));
    });
}

void cross_entropy_join(const CrossEntropyJoin& a, Stream s) {
    require_f32(a.stats);
    const int64_t N = a.stats.rows();
    if (N == 0) return;
    const int64_t R = a.parts.rows() / N;
    launch_elements(cross_entropy_join_kernel, N, s, a.stats.as<float>(), a.parts.as<float>(), N, R);
}

void cross_entropy_forward(const CrossEntropyForward& a, Stream s) {
    require_f32(a.loss);
    const int64_t N = a.loss.size();
    const float kept = float(1 - a.smoothing), uniform = float(a.smoothing / double(a.V));
    launch_elements(cross_entropy_forward_kernel, N, s, a.loss.as<float>(), a.lse.as<float>(), a.log_prob.as<float>(),
                    a.stats.as<float>(), a.targets.as<int32_t>(), N, a.V, kept, uniform, float(a.z_loss));
}

void cross_entropy_backward(const CrossEntropyBackward& a, Stream s) {
    const int64_t N = a.logits.rows(), Vr = a.logits.last();
    const float kept = float(1 - a.smoothing), uniform = float(a.smoothing / double(a.V));
    by_dtype(a.logits.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_elements(cross_entropy_backward_kernel<Scalar>, N * Vr, s, a.logits.as<Scalar>(), a.lse.as<float>(),
                        a.targets.as<int32_t>(), a.coefficient.as<float>(), a.step_values, N, Vr, a.logits.stride(),
                        a.V, a.vocab_offset, float(a.scale / a.temperature), kept, uniform, float(a.z_loss),
                        float(1 / a.temperature));
    });
}

}  // namespace gradus::DEVICE
