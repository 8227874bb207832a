// Cross-entropy on a GPU. The formulas are in kernels/cross_entropy.h.
//
// Plan.
//   stats           One warp per row: a pass for the largest logit, a pass for the sums.
//   join, forward   One thread per row, which has four numbers from each rank.
//   backward        One thread per logit.
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"

namespace gradus::DEVICE {

namespace {

// A row of stats.
struct Stats {
    float top, total, hit, mass;
};

// What exponents are taken relative to: the top, unless all there is is −∞, because −∞ − (−∞) is not 0.
__device__ float relative_to(float top) { return top == -infinity ? 0.f : top; }

template <class Scalar>
__global__ void cross_entropy_stats_kernel(float* stats, const Scalar* logits, const int32_t* targets, int64_t N,
                                           int64_t Vr, int64_t vocab_offset) {
    const int64_t n = row();
    const int lane = threadIdx.x;
    if (n >= N) return;
    const Scalar* const z = logits + n * Vr;

    float top = -infinity;
    for (int64_t v = lane; v < Vr; v += warp) top = fmaxf(top, float(z[v]));
    top = warp_max(top);

    float total = 0, mass = 0;
    for (int64_t v = lane; v < Vr; v += warp) {
        total += expf(float(z[v]) - relative_to(top));
        mass += float(z[v]);
    }
    total = warp_sum(total);
    mass = warp_sum(mass);

    const int64_t target = targets[n] - vocab_offset;
    const float hit = target >= 0 && target < Vr ? float(z[target]) : 0.f;
    if (lane == 0) {
        stats[n * 4] = top;
        stats[n * 4 + 1] = total;
        stats[n * 4 + 2] = hit;
        stats[n * 4 + 3] = mass;
    }
}

__device__ Stats stats_of(const float* stats, int64_t n) {
    return {stats[n * 4], stats[n * 4 + 1], stats[n * 4 + 2], stats[n * 4 + 3]};
}

__global__ void cross_entropy_join_kernel(float* stats, const float* parts, int64_t N, int64_t R) {
    const int64_t n = element();
    if (n >= N) return;
    float top = -infinity;
    for (int64_t r = 0; r < R; ++r) top = fmaxf(top, stats_of(parts, r * N + n).top);

    float total = 0, hit = 0, mass = 0;
    for (int64_t r = 0; r < R; ++r) {
        const Stats part = stats_of(parts, r * N + n);
        total += part.total * expf(part.top - relative_to(top));
        hit += part.hit;
        mass += part.mass;
    }
    stats[n * 4] = top;
    stats[n * 4 + 1] = total;
    stats[n * 4 + 2] = hit;
    stats[n * 4 + 3] = mass;
}

__global__ void cross_entropy_forward_kernel(float* loss, float* lse, const float* stats, const int32_t* targets,
                                             int64_t N, int64_t V, float kept, float uniform, float z_loss) {
    const int64_t n = element();
    if (n >= N) return;
    device_check(targets[n] < V);
    const auto [top, total, hit, mass] = stats_of(stats, n);
    const float l = top + logf(total);
    lse[n] = l;
    loss[n] = targets[n] < 0 ? 0.f : l - kept * hit - uniform * mass + z_loss * l * l;
}

template <class Scalar>
__global__ void cross_entropy_backward_kernel(Scalar* logits, const float* lse, const int32_t* targets, int64_t N,
                                              int64_t Vr, int64_t V, int64_t vocab_offset, float scale, float kept,
                                              float uniform, float z_loss) {
    const int64_t i = element(), n = i / Vr, v = vocab_offset + i % Vr;
    if (n >= N) return;
    device_check(targets[n] < V);
    const float p = expf(float(logits[i]) - lse[n]) * (1 + 2 * z_loss * lse[n]);
    const float hit = v == targets[n] ? kept : 0.f;
    logits[i] = Scalar(targets[n] < 0 ? 0.f : scale * (p - hit - uniform));
}

}  // namespace

void cross_entropy_stats(const CrossEntropyStats& a, Stream s) {
    const int64_t N = a.logits.rows(), Vr = a.logits.last();
    by_dtype(a.logits.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows(cross_entropy_stats_kernel<Scalar>, N, s, a.stats.as<float>(), a.logits.as<Scalar>(),
                    a.targets.as<int32_t>(), N, Vr, a.vocab_offset);
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
    launch_elements(cross_entropy_forward_kernel, N, s, a.loss.as<float>(), a.lse.as<float>(), a.stats.as<float>(),
                    a.targets.as<int32_t>(), N, a.V, kept, uniform, float(a.z_loss));
}

void cross_entropy_backward(const CrossEntropyBackward& a, Stream s) {
    const int64_t N = a.logits.rows(), Vr = a.logits.last();
    const float kept = float(1 - a.smoothing), uniform = float(a.smoothing / double(a.V));
    by_dtype(a.logits.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_elements(cross_entropy_backward_kernel<Scalar>, N * Vr, s, a.logits.as<Scalar>(), a.lse.as<float>(),
                        a.targets.as<int32_t>(), N, Vr, a.V, a.vocab_offset, float(a.scale), kept, uniform,
                        float(a.z_loss));
    });
}

}  // namespace gradus::DEVICE
