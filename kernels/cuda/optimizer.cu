// Sum of squares, clipping, AdamW and the moving average on a GPU. The formulas are in kernels/optimizer.h.
//
// Plan.
//   square_sum   Two stages. At most 1024 blocks each write a partial sum to `parts`; one block adds those. The order of the
//                additions depends only on the size.
//   clip_scale   One thread.
//   adamw        One launch for all ranges, whose table is a parameter of the kernel: a block finds its range, and a thread
//                updates four weights. 16-byte accesses, and one call of Philox per thread.
//   average      One thread per four weights.
#include <cmath>

#include "engine/base/philox.h"
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/packs.h"
#include "kernels/cuda/rounding.h"
#include "kernels/optimizer.h"

namespace gradus::DEVICE {

namespace {

// ---- square_sum --------------------------------------------------------------------------------------------------

constexpr int sum_warps = 8, total_warps = square_sum_parts / warp;
constexpr int64_t sum_threads = sum_warps * warp, elements_per_part = 16 * sum_threads;

template <class Scalar, bool aligned>
__global__ void square_sum_parts_kernel(double* parts, const Scalar* x, int64_t size) {
    SHARED(double, of_warps, [sum_warps]);
    const int64_t first = row() * warp + threadIdx.x, step = int64_t(gridDim.x) * sum_threads;
    const int64_t packs = size / Pack<Scalar>::size;
    double sum = 0;
    const auto add = [&](Scalar value) { sum += wide(value) * wide(value); };
    each_pack<aligned>(x, first, step, packs, [&](int64_t, const Pack<Scalar>& pack) {
#pragma unroll
        for (int i = 0; i < Pack<Scalar>::size; ++i) add(pack[i]);
    });
    const int64_t after = packs * Pack<Scalar>::size + first;  // the elements after the last pack
    if (after < size) add(x[after]);
    sum = block_sum(sum, of_warps);
    if (threadIdx.x == 0 && threadIdx.y == 0) parts[blockIdx.x] = sum;
}

__global__ void square_sum_total_kernel(double* total, const double* parts, int count) {
    SHARED(double, of_warps, [total_warps]);
    const auto k = int(row() * warp + threadIdx.x);
    const double sum = block_sum(k < count ? parts[k] : 0., of_warps);
    if (threadIdx.x == 0 && threadIdx.y == 0) *total += sum;
}

// ---- clip_scale --------------------------------------------------------------------------------------------------

__global__ void clip_scale_kernel(double* scale, const double* total, double max_norm) {
    const double ratio = max_norm / (sqrt(*total) + 1e-6);
    *scale = max_norm > 0 && ratio < 1 ? ratio : 1;
}

// ---- adamw -------------------------------------------------------------------------------------------------------

constexpr int weights_at_once = 4;  // of a thread: 16 bytes of each tensor, and the words of one call of Philox
constexpr int64_t weights_per_block = weights_at_once * threads_per_block;

// As many ranges as fit in the 4 KB of a kernel's parameters. Arenas with more of them take several launches.
struct AdamWRanges {
    static constexpr int most = 64;
    AdamWRange ranges[most];
    unsigned first_block[most];
    int count;
};

struct AdamWTensors {
    float *master, *m, *v;
    bf16* param;
    const float* grad;
};

struct AdamWNumbers {
    const double* scale;
    const StepValues* step_values;
    float beta1, beta2, one_minus_beta1, one_minus_beta2, eps, decay;
    uint64_t first;
};

// The formula for one weight at a time, with the values of the step.
struct AdamWStep {
    AdamWNumbers a;
    float scale, lr, correction1, correction2, decay;

    __device__ AdamWStep(const AdamWNumbers& numbers, bool decayed)
        : a(numbers),
          scale(a.scale ? float(*a.scale) : 1.f),
          lr(float(a.step_values->lr)),
          correction1(float(a.step_values->correction1)),
          correction2(float(a.step_values->correction2)),
          decay(decayed ? a.decay : 0.f) {}

    __device__ void update(float& w, float& m, float& v, float grad) const {
        const float g = scale * grad;
        m = a.beta1 * m + a.one_minus_beta1 * g;
        v = a.beta2 * v + a.one_minus_beta2 * g * g;
        const float direction = m / correction1 / (sqrtf(v / correction2) + a.eps);
        w -= lr * (direction + decay * w);
    }
};

// Four weights as bf16.
struct FourWeights {
    uint32_t low, high;
};

__device__ uint32_t pair_of(bf16 low, bf16 high) { return low.bits | uint32_t(high.bits) << 16; }

// index: of the first of the four weights in its arena, a multiple of 4.
__device__ FourWeights rounded_weights(const Pack<float>& w, uint64_t key, uint64_t index) {
    if (key == 0) return {bf16_pair(w[0], w[1]), bf16_pair(w[2], w[3])};
    const auto words = Philox{key}.words(index / 4);
    return {pair_of(stochastically_rounded(w[0], words[0]), stochastically_rounded(w[1], words[1])),
            pair_of(stochastically_rounded(w[2], words[2]), stochastically_rounded(w[3], words[3]))};
}

__device__ bf16 rounded_weight(float w, uint64_t key, uint64_t index) {
    if (key == 0) return bf16(w);
    const auto words = Philox{key}.words(index / 4);
    const uint32_t low = index & 1 ? words[1] : words[0], high = index & 1 ? words[3] : words[2];
    return stochastically_rounded(w, index & 2 ? high : low);
}

__device__ int range_of_block(const AdamWRanges& table) {
    int first = 0, last = table.count;
    while (last - first > 1) {
        const int middle = (first + last) / 2;
        if (table.first_block[middle] <= blockIdx.x) first = middle;
        else last = middle;
    }
    return first;
}

// vectors: every range begins at a multiple of 16 bytes and is a multiple of four weights long. Otherwise a thread takes its four
// weights one by one, as far from each other as a block is wide.
template <bool vectors>
__global__ void __launch_bounds__(threads_per_block, 4)
    adamw_kernel(const __grid_constant__ AdamWRanges table, AdamWTensors t, AdamWNumbers numbers) {
    const int k = range_of_block(table);
    const AdamWRange& r = table.ranges[k];
    const AdamWStep step(numbers, r.decayed);
    const uint64_t key = t.param ? numbers.step_values->rounding_key : 0;
    const int64_t begin = int64_t(blockIdx.x - table.first_block[k]) * weights_per_block;
    const auto at = [&](auto* tensor, int64_t first) { return tensor + first + begin; };
    float *const master = at(t.master, r.master), *const m = at(t.m, r.m), *const v = at(t.v, r.v);
    const float* const grad = at(t.grad, r.param);
    bf16* const param = t.param ? at(t.param, r.param) : nullptr;
    const uint64_t index = numbers.first + uint64_t(r.param + begin);

    if constexpr (vectors) {
        const int i = int(threadIdx.x) * weights_at_once;
        if (begin + i >= r.count) return;
        Pack<float> w = load_pack(master + i), m4 = load_pack(m + i), v4 = load_pack(v + i);
        const Pack<float> g = load_pack(grad + i);
#pragma unroll
        for (int j = 0; j < weights_at_once; ++j) step.update(w[j], m4[j], v4[j], g[j]);
        store_pack(master + i, w);
        store_pack(m + i, m4);
        store_pack(v + i, v4);
        if (param) store_double_word(param + i, rounded_weights(w, key, index + uint64_t(i)));
    } else {
        for (int i = int(threadIdx.x); i < weights_per_block && begin + i < r.count; i += threads_per_block) {
            step.update(master[i], m[i], v[i], grad[i]);
            if (param) param[i] = rounded_weight(master[i], key, index + uint64_t(i));
        }
    }
}

// ---- average -----------------------------------------------------------------------------------------------------

template <bool aligned>
__global__ void average_kernel(float* average, const float* x, int64_t n, float rate) {
    constexpr int size = Pack<float>::size;
    const int64_t p = element(), packs = n / size;
    if (p < packs) {
        Pack<float> sum = read_pack<aligned>(average, p);
        const Pack<float> value = read_pack<aligned>(x, p);
#pragma unroll
        for (int i = 0; i < size; ++i) sum[i] += rate * (value[i] - sum[i]);
        write_pack<aligned>(average, p, sum);
    } else if (p == packs) {
        for (int64_t i = packs * size; i < n; ++i) average[i] += rate * (x[i] - average[i]);
    }
}

// ---- on the host -------------------------------------------------------------------------------------------------

// Whether the kernel may access the ranges of a call four weights at a time.
bool in_vectors(const AdamW& a) {
    const auto aligned = [](const Tensor& t, int64_t first, size_t bytes) {
        return !t || (reinterpret_cast<uintptr_t>(t.data) + size_t(first) * size_of(t.dtype)) % bytes == 0;
    };
    bool all = true;
    each_range(a, [&](const AdamWRange& r) {
        all = all && aligned(a.master, r.master, 16) && aligned(a.m, r.m, 16) && aligned(a.v, r.v, 16) &&
              aligned(a.grad, r.param, 16) && aligned(a.param, r.param, 8) && r.count % weights_at_once == 0 &&
              (a.first + r.param) % weights_at_once == 0;
    });
    return all;
}

}  // namespace

void square_sum(const SquareSum& a, Stream s) {
    const int64_t size = a.x.size();
    const int64_t parts = std::min((size + elements_per_part - 1) / elements_per_part, square_sum_parts);
    if (size == 0) return;
    by_any_dtype(a.x.dtype, [&](auto kind) {
        by_alignment(rows_aligned(a.x.view({size})), [&](auto aligned) {
            using Scalar = decltype(kind);
            launch(square_sum_parts_kernel<Scalar, aligned>, dim3(unsigned(parts)), dim3(warp, sum_warps), 0, s,
                   a.parts.as<double>(), a.x.as<Scalar>(), size);
        });
    });
    launch(square_sum_total_kernel, dim3(1), dim3(warp, total_warps), 0, s, a.total.as<double>(), a.parts.as<double>(),
           int(parts));
}

void clip_scale(const ClipScale& a, Stream s) {
    launch(clip_scale_kernel, dim3(1), dim3(1), 0, s, a.scale.as<double>(), a.total.as<double>(), a.max_norm);
}

void adamw(const AdamW& a, Stream s) {
    require_f32(a.master);
    const AdamWTensors tensors = {a.master.as<float>(), a.m.as<float>(), a.v.as<float>(), a.param.as<bf16>(),
                                  a.grad.as<float>()};
    const AdamWNumbers numbers = {.scale = a.scale.as<double>(),
                                  .step_values = a.step_values,
                                  .beta1 = float(a.beta1),
                                  .beta2 = float(a.beta2),
                                  .one_minus_beta1 = float(1 - a.beta1),
                                  .one_minus_beta2 = float(1 - a.beta2),
                                  .eps = float(a.eps),
                                  .decay = float(a.decay),
                                  .first = uint64_t(a.first)};
    const auto kernel = in_vectors(a) ? adamw_kernel<true> : adamw_kernel<false>;
    AdamWRanges table = {};
    int64_t blocks = 0;
    const auto flush = [&] {
        if (blocks > 0) launch(kernel, blocks_for(blocks, 1), dim3(threads_per_block), 0, s, table, tensors, numbers);
        table.count = 0;
        blocks = 0;
    };
    each_range(a, [&](const AdamWRange& r) {
        if (r.count == 0) return;
        if (table.count == AdamWRanges::most) flush();
        table.ranges[table.count] = r;
        table.first_block[table.count++] = unsigned(blocks);
        blocks += (r.count + weights_per_block - 1) / weights_per_block;
    });
    flush();
}

void average(const Average& a, Stream s) {
    require_f32(a.average);
    const int64_t n = a.x.size();
    if (n == 0) return;
    by_alignment(rows_aligned({a.average, a.x}), [&](auto aligned) {
        launch_elements(average_kernel<aligned>, n / Pack<float>::size + 1, s, a.average.as<float>(), a.x.as<float>(),
                        n, float(a.rate));
    });
}

}  // namespace gradus::DEVICE
