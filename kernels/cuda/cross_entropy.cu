// Cross-entropy on a GPU. The formulas are in kernels/cross_entropy.h.
//
// Plan. One block per row (kernels/cuda/logit_row.h), except for join and forward: one thread per row, of four numbers per rank.
//
//   cross_entropy   Statistics, loss and gradient of a row while it is on the multiprocessor. The copies of the row to shared
//                   memory all start at once, so that many bytes are in flight; a thread reads only what it has copied itself. After
//                   the statistics it turns the same logits into gradients and writes them: each logit crosses the bus to memory
//                   once in each direction. Of a row that is longer than the shared memory, the last part is held there, and the
//                   first is read a second time, from the L2 cache.
//   stats           One pass over the row.
//   backward        One pass over the row.
#include "kernels/cross_entropy.h"
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/logit_row.h"
#include "kernels/cuda/memory.h"
#include "kernels/cuda/primitives/async_copy.h"

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

struct Objective {
    int64_t V;  // of all ranks
    float kept, uniform, z_loss;
};

struct Losses {
    float *loss, *lse, *log_prob;

    __device__ void write(int64_t n, float row_lse, float target_logit, float logit_sum, int target,
                          const Objective& o) const {
        const bool ignored = target < 0;
        const float smooth = o.uniform > 0 ? o.uniform * logit_sum : 0.f;
        lse[n] = row_lse;
        loss[n] = ignored ? 0.f : row_lse - o.kept * target_logit - smooth + o.z_loss * row_lse * row_lse;
        if (log_prob) log_prob[n] = ignored ? 0.f : target_logit - row_lse;
    }
};

// What multiplies the gradients.
struct Scale {
    const float* coefficient;
    const StepValues* step_values;
    float constant, inverse_temperature;
};

// The gradient of row n, and of its target.
template <class Scalar>
struct Gradient {
    RowGradient<Scalar> row;
    float of_target;  // subtracted at the target

    __device__ Gradient(int64_t n, float lse, int target, const Scale& s, const Objective& o) {
        const float weight = s.coefficient ? s.coefficient[n] : 1.f;
        const float scale = (s.step_values ? float(s.step_values->loss_scale) * s.constant : s.constant) * weight;
        row = {.slope = unit<Scalar> * s.inverse_temperature,
               .shift = unit<Scalar> * lse,
               .factor = scale * (1 + 2 * o.z_loss * lse),
               .offset = scale * o.uniform,
               .zero = target < 0 || weight == 0};
        of_target = scale * o.kept;
    }
    __device__ Scalar at_target(float z) const { return Scalar(row.zero ? 0.f : row.of(z) - of_target); }
};

// The thread that writes the gradient of this element writes it again, with the term of the target.
template <class Scalar>
__device__ bool owns(int64_t v, int64_t V) {
    return v >= 0 && v < V && v / Pack<Scalar>::size % int64_t(blockDim.x) == int64_t(threadIdx.x);
}

template <class Scalar>
struct Rows {
    Scalar* logits;
    const int32_t* targets;
    int64_t V, stride;  // V: of this rank
};

template <class Scalar, bool aligned>
__global__ void __launch_bounds__(most_row_threads, 2)
    cross_entropy_kernel(Rows<Scalar> rows, Losses losses, Scale scale, Objective objective, int first_held) {
    DYNAMIC_SHARED(Pack<Scalar>, held);
    const int64_t n = blockIdx.x;
    const int threads = int(blockDim.x), packs = int(rows.V / Pack<Scalar>::size);
    const int halfway = min(packs, first_held + ((packs - first_held) / 2 + threads - 1) / threads * threads);
    Scalar* const z = rows.logits + n * rows.stride;

    const auto fetch = [&](int first, int last) {
        for (int p = first + int(threadIdx.x); p < last; p += threads)
            if constexpr (aligned) copy_async(held + p - first_held, z + int64_t(p) * Pack<Scalar>::size);
            else held[p - first_held] = read_pack<aligned>(z, p);
        copy_async_commit();
    };
    fetch(first_held, halfway);
    fetch(halfway, packs);
    const int target = rows.targets[n];
    device_check(target < rows.V);
    const float z_target = target < 0 ? 0.f : float(z[target]);

    RowStatistics<Scalar> row = {.slope = unit<Scalar> * scale.inverse_temperature};
    const auto each_held = [&](int first, int last, auto&& visit) {
        for (int p = first + int(threadIdx.x); p < last; p += threads)
            visit(p, load_pack(
                         reinterpret_cast<const Scalar*>(held + p - first_held)));  // one access, not one per element
    };
    const auto add = [&](int, const Pack<Scalar>& pack) { row.add(pack); };
    each_own_pack<aligned>(z, 0, first_held, add);
    copy_async_wait<1>();
    each_held(first_held, halfway, add);
    copy_async_wait<0>();
    each_held(halfway, packs, add);
    each_last_element<Scalar>(rows.V, [&](int64_t v) { row.add(float(z[v])); });
    row.combine();

    const float lse = row.max * scale.inverse_temperature + logf(row.sum_exp);
    if (threadIdx.x == 0)
        losses.write(n, lse, z_target * scale.inverse_temperature, row.logit_sum * scale.inverse_temperature, target,
                     objective);

    const Gradient<Scalar> gradient(n, lse, target, scale, objective);
    const Scalar at_target = gradient.at_target(z_target);
    const auto replace = [&](int p, const Pack<Scalar>& pack) { write_pack<aligned>(z, p, gradient.row.of(pack)); };
    each_held(first_held, packs, replace);
    each_own_pack<aligned>(z, 0, first_held, replace);
    each_last_element<Scalar>(rows.V, [&](int64_t v) { z[v] = Scalar(gradient.row.of(float(z[v]))); });
    if (owns<Scalar>(target, rows.V)) z[target] = at_target;
}

template <class Scalar, bool aligned>
__global__ void __launch_bounds__(most_row_threads, 2)
    cross_entropy_stats_kernel(float* stats, Rows<Scalar> rows, int64_t vocab_offset, float inverse_temperature) {
    const int64_t n = blockIdx.x;
    const Scalar* const z = rows.logits + n * rows.stride;
    RowStatistics<Scalar> row = {.slope = unit<Scalar> * inverse_temperature};
    each_own_pack<aligned>(z, 0, int(rows.V / Pack<Scalar>::size),
                           [&](int, const Pack<Scalar>& pack) { row.add(pack); });
    each_last_element<Scalar>(rows.V, [&](int64_t v) { row.add(float(z[v])); });
    row.combine();
    if (threadIdx.x > 0) return;
    const int64_t target = rows.targets[n] - vocab_offset;
    const float target_logit = target >= 0 && target < rows.V ? float(z[target]) * inverse_temperature : 0.f;
    write(stats, n, {row.max * inverse_temperature, row.sum_exp, target_logit, row.logit_sum * inverse_temperature});
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

__global__ void cross_entropy_forward_kernel(Losses losses, const float* stats, const int32_t* targets, int64_t N,
                                             Objective objective) {
    const int64_t n = element();
    if (n >= N) return;
    device_check(targets[n] < objective.V);
    const Stats row = stats_of(stats, n);
    losses.write(n, row.max + logf(row.sum_exp), row.target_logit, row.logit_sum, targets[n], objective);
}

template <class Scalar, bool aligned>
__global__ void __launch_bounds__(most_row_threads, 2)
    cross_entropy_backward_kernel(Rows<Scalar> rows, const float* lse, Scale scale, Objective objective,
                                  int64_t vocab_offset) {
    const int64_t n = blockIdx.x;
    Scalar* const z = rows.logits + n * rows.stride;
    const int target = rows.targets[n];
    device_check(target < objective.V);
    const Gradient<Scalar> gradient(n, lse[n], target, scale, objective);
    const int64_t own_target = target - vocab_offset;
    const bool mine = target >= 0 && owns<Scalar>(own_target, rows.V);
    const Scalar at_target = mine ? gradient.at_target(float(z[own_target])) : Scalar();
    each_own_pack<aligned>(z, 0, int(rows.V / Pack<Scalar>::size),
                           [&](int p, const Pack<Scalar>& pack) { write_pack<aligned>(z, p, gradient.row.of(pack)); });
    each_last_element<Scalar>(rows.V, [&](int64_t v) { z[v] = Scalar(gradient.row.of(float(z[v]))); });
    if (mine) z[own_target] = at_target;
}

template <class Args>
Objective objective_of(const Args& a, int64_t V) {
    return {V, float(1 - a.smoothing), float(a.smoothing / double(V)), float(a.z_loss)};
}

template <class Args>
Scale scale_from(const Args& a) {
    return {a.coefficient.template as<float>(), a.step_values, float(a.scale / a.temperature),
            float(1 / a.temperature)};
}

// Calls run(Scalar, aligned) with the dtype and the alignment of the logits.
template <class Run>
void by_rows(const Tensor& logits, Run&& run) {
    CHECK(logits.last() <= std::numeric_limits<int32_t>::max(), "more than 2^31 - 1 classes");
    by_dtype(logits.dtype,
             [&](auto kind) { by_alignment(rows_aligned(logits), [&](auto aligned) { run(kind, aligned); }); });
}

template <class Scalar>
Rows<Scalar> rows_of(const Tensor& logits, const Tensor& targets) {
    return {logits.as<Scalar>(), targets.as<int32_t>(), logits.last(), logits.stride()};
}

// The first pack that is held in shared memory, such that two blocks fit on a multiprocessor: one reads while the other computes.
int first_held_pack(int64_t packs, int threads) {
    constexpr int64_t pack_bytes = 16, reserved = 2 << 10;  // of each block, and for its statistics
    const int64_t room = int64_t(shared_memory()) / 2 - reserved;
    const int64_t too_many = std::max<int64_t>(0, packs - room / pack_bytes);
    return int(std::min(packs, (too_many + threads - 1) / threads * threads));
}

}  // namespace

void cross_entropy(const CrossEntropy& a, Stream s) {
    const int64_t N = a.logits.rows(), V = a.logits.last();
    if (N == 0) return;
    by_rows(a.logits, [&](auto kind, auto aligned) {
        using Scalar = decltype(kind);
        const int64_t packs = V / Pack<Scalar>::size;
        const int threads = row_threads<Scalar>(V), first_held = first_held_pack(packs, threads);
        launch(cross_entropy_kernel<Scalar, aligned>, blocks_for(N, 1), dim3(unsigned(threads)),
               size_t(packs - first_held) * sizeof(Pack<Scalar>), s, rows_of<Scalar>(a.logits, a.targets),
               Losses{a.loss.as<float>(), a.lse.as<float>(), a.log_prob.as<float>()}, scale_from(a), objective_of(a, V),
               first_held);
    });
}

void cross_entropy_stats(const CrossEntropyStats& a, Stream s) {
    const int64_t N = a.logits.rows(), Vr = a.logits.last();
    if (N == 0) return;
    by_rows(a.logits, [&](auto kind, auto aligned) {
        using Scalar = decltype(kind);
        launch(cross_entropy_stats_kernel<Scalar, aligned>, blocks_for(N, 1), dim3(unsigned(row_threads<Scalar>(Vr))),
               0, s, a.stats.as<float>(), rows_of<Scalar>(a.logits, a.targets), a.vocab_offset,
               float(1 / a.temperature));
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
    launch_elements(cross_entropy_forward_kernel, N, s,
                    Losses{a.loss.as<float>(), a.lse.as<float>(), a.log_prob.as<float>()}, a.stats.as<float>(),
                    a.targets.as<int32_t>(), N, objective_of(a, a.V));
}

void cross_entropy_backward(const CrossEntropyBackward& a, Stream s) {
    const int64_t N = a.logits.rows(), Vr = a.logits.last();
    if (N == 0) return;
    by_rows(a.logits, [&](auto kind, auto aligned) {
        using Scalar = decltype(kind);
        launch(cross_entropy_backward_kernel<Scalar, aligned>, blocks_for(N, 1),
               dim3(unsigned(row_threads<Scalar>(Vr))), 0, s, rows_of<Scalar>(a.logits, a.targets), a.lse.as<float>(),
               scale_from(a), objective_of(a, a.V), a.vocab_offset);
    });
}

}  // namespace gradus::DEVICE
