// RMSNorm of query and key heads, and their rotation, on a GPU. The formulas are in kernels/qk_norm_rope.h.
//
// Plan. A group of threads per head, which holds it in registers: the sum of squares, the norm, the rotation (rotation.h). blockIdx.y is
// 0 for the queries and 1 for the keys. A thread has the same share of head after head, so gain and angles come from the cache.
//   forward    one block per row
//   backward   a fixed number of blocks that stay until all rows are done. A thread adds its terms of d_gain to sums in registers; at
//              the end those of the block's groups are added in order, and then those of the blocks (column_sums.h)
//
// Heads that are not aligned or too wide for this are walked: each thread has several shares, of one pair, and reads them twice.
#include "kernels/qk_norm_rope.h"

#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/rotation.h"

namespace gradus::DEVICE {

namespace {

struct Positions {
    const int32_t* positions;
    const float* rope_table;
    int64_t N, P;
    int R, D;

    // The row of rope_table for row n.
    __device__ const float* angles(int64_t n) const {
        const int64_t p = positions[n];
        device_check(p >= 0 && p < P);
        return rope_table + p * R * 2;
    }
};

// The tensors of q or of k; out is y or d_x, and forward reads no d_y.
template <class Scalar>
struct HeadTensors {
    RowHeads<Scalar> out;
    RowHeads<const Scalar> x, d_y;
    const Scalar* gain;
    float* rstd;
    int heads;
};

// The sum over the threads of a head.
__device__ inline float head_sum(float x) {
#pragma unroll
    for (int step = warp / 2; step > 0; step /= 2)
        if (step < int(blockDim.x)) x += __shfl_xor_sync(all_lanes, x, step);
    return x;
}

// Calls visit(share) for the thread's shares of a head: with packs it has one at the most, which the compiler keeps in registers.
template <class Share, class Visit>
__device__ void each_share(int R, int D, Visit&& visit) {
    const int shares = Share::count(R, D);
    if constexpr (Share::width > 1) {
        if (int(threadIdx.x) < shares) visit(Share(int(threadIdx.x), R, D));
    } else {
        for (int j = int(threadIdx.x); j < shares; j += int(blockDim.x)) visit(Share(j, R, D));
    }
}

// ---- forward -----------------------------------------------------------------------------------------------------

template <class Share, class Scalar>
__global__ void qk_norm_rope_forward_kernel(Positions at, HeadTensors<Scalar> q, HeadTensors<Scalar> k, float eps) {
    constexpr int width = Share::width;
    const HeadTensors<Scalar> t = blockIdx.y == 0 ? q : k;
    const int64_t n = blockIdx.x;
    const float* const table = at.angles(n);
    for (int first = 0; first < t.heads; first += int(blockDim.y)) {
        const int h = first + int(threadIdx.y);
        const bool given = h < t.heads;  // all threads of a warp take part in its sums
        float x[2 * width] = {}, squares = 0;
        if (given)
            each_share<Share>(at.R, at.D, [&](const Share& share) {
                share.load(x, t.x.at(n, h, at.D));
                for (float each : x) squares += each * each;
            });
        const float rstd = 1 / sqrtf(head_sum(squares) / float(at.D) + eps);
        if (!given) continue;
        each_share<Share>(at.R, at.D, [&](const Share& share) {
            float gain[2 * width];
            share.load(gain, t.gain);
            if constexpr (width == 1) share.load(x, t.x.at(n, h, at.D));
            for (int i = 0; i < 2 * width; ++i) x[i] = gain[i] * (x[i] * rstd);
            share.rotate(x, share.angles(table, 1));
            share.store(t.out.at(n, h, at.D), x);
        });
        if (threadIdx.x == 0) t.rstd[n * t.heads + h] = rstd;
    }
}

// ---- backward ----------------------------------------------------------------------------------------------------

// d_x of head h of row n. terms(share, u·x̂) sees the terms of d_gain.
template <class Share, class Scalar, class Terms>
__device__ void head_backward(const Positions& at, const HeadTensors<Scalar>& t, int64_t n, int h, Terms&& terms) {
    constexpr int width = Share::width;
    const bool given = h < t.heads;
    const float rstd = given ? t.rstd[n * t.heads + h] : 0;
    const float* const table = at.angles(n);
    float x_hat[2 * width] = {}, g[2 * width] = {}, sum = 0;
    const auto read = [&](const Share& share) {  // x̂, and u into g
        share.load(x_hat, t.x.at(n, h, at.D));
        share.load(g, t.d_y.at(n, h, at.D));
        share.rotate(g, share.angles(table, -1));
        for (float& each : x_hat) each *= rstd;
    };
    const auto scale = [&](const Share& share) {  // u to g
        float gain[2 * width];
        share.load(gain, t.gain);
        for (int i = 0; i < 2 * width; ++i) g[i] *= gain[i];
    };
    if (given)
        each_share<Share>(at.R, at.D, [&](const Share& share) {
            read(share);
            float products[2 * width];
            for (int i = 0; i < 2 * width; ++i) products[i] = g[i] * x_hat[i];
            terms(share, products);
            scale(share);
            for (int i = 0; i < 2 * width; ++i) sum += g[i] * x_hat[i];
        });
    const float mean = head_sum(sum) / float(at.D);
    if (!given) return;
    each_share<Share>(at.R, at.D, [&](const Share& share) {
        if constexpr (width == 1) {
            read(share);
            scale(share);
        }
        for (int i = 0; i < 2 * width; ++i) g[i] = rstd * (g[i] - x_hat[i] * mean);
        share.store(t.out.at(n, h, at.D), g);
    });
}

// Dynamic shared memory: [groups, D] floats.
template <class Share, class Scalar>
__global__ void qk_norm_rope_backward_kernel(Positions at, HeadTensors<Scalar> q, HeadTensors<Scalar> k,
                                             ColumnTotals totals) {
    DYNAMIC_SHARED(float, of_groups);
    constexpr int width = Share::width;
    const HeadTensors<Scalar> t = blockIdx.y == 0 ? q : k;
    float* const mine = of_groups + int(threadIdx.y) * at.D;
    float d_gain[2 * width] = {};  // with packs; else in shared memory
    if constexpr (width == 1)
        for (int d = int(threadIdx.x); d < at.D; d += int(blockDim.x)) mine[d] = 0;
    __syncwarp();
    for (int64_t n = blockIdx.x; n < at.N; n += gridDim.x)
        for (int first = 0; first < t.heads; first += int(blockDim.y))
            head_backward<Share>(at, t, n, first + int(threadIdx.y),
                                 [&](const Share& share, const float(&products)[2 * width]) {
                                     if constexpr (width == 1) {
                                         mine[share.first] += products[0];
                                         if (share.paired) mine[share.second] += products[1];
                                     } else {
                                         for (int i = 0; i < 2 * width; ++i) d_gain[i] += products[i];
                                     }
                                 });
    if constexpr (width > 1) each_share<Share>(at.R, at.D, [&](const Share& share) { share.store(mine, d_gain); });

    __syncthreads();
    const int thread = int(threadIdx.y * blockDim.x + threadIdx.x), threads = int(blockDim.x * blockDim.y);
    for (int d = thread; d < at.D; d += threads) {
        float sum = 0;
        for (int group = 0; group < int(blockDim.y); ++group) sum += of_groups[group * at.D + d];
        write_sum(totals, blockIdx.x, int(blockIdx.y), d, at.D, sum);
    }
}

// ---- the launches ------------------------------------------------------------------------------------------------

// Calls run(type of the share, threads of a block).
template <class Scalar, class Run>
void by_heads(bool vectors, int64_t R, int64_t D, RopeLayout layout, int heads, Run&& run) {
    const bool held = (D + 2 * vector_width<Scalar> - 1) / (2 * vector_width<Scalar>) <= warp;
    by_share<Scalar>(vectors && held, R, D, layout, [&](auto type) {
        using Share = typename decltype(type)::type;
        run(type, head_block(Share::count(int(R), int(D)), heads));
    });
}

template <class Args>
Positions positions_of(const Args& a) {
    return {.positions = a.positions.template as<int32_t>(),
            .rope_table = a.rope_table.template as<float>(),
            .N = a.q.rows(),
            .P = a.rope_table.shape.dim[0],
            .R = int(a.rope_table.shape.dim[1]),
            .D = int(a.q_gain.last())};
}

template <class Scalar>
HeadTensors<Scalar> head_tensors(const Tensor& out, const Tensor& x, const Tensor& d_y, const Tensor& gain,
                                 const Tensor& rstd) {
    return {row_heads<Scalar>(out), row_heads<const Scalar>(x), row_heads<const Scalar>(d_y),
            gain.as<Scalar>(),      rstd.as<float>(),           int(x.last() / gain.last())};
}

Tensor pairs_of(const Tensor& rope_table) {
    return rope_table.view({rope_table.shape.dim[0], 2 * rope_table.shape.dim[1]});
}

}  // namespace

void qk_norm_rope_forward(const QkNormRopeForward& a, Stream s) {
    if (a.q.rows() == 0) return;
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const auto at = positions_of(a);
        const auto q = head_tensors<Scalar>(a.y_q, a.q, a.q, a.q_gain, a.q_rstd);
        const auto k = head_tensors<Scalar>(a.y_k, a.k, a.k, a.k_gain, a.k_rstd);
        const bool vectors = vectors_fit({a.y_q, a.y_k, a.q, a.k, a.q_gain, a.k_gain, pairs_of(a.rope_table)});
        by_heads<Scalar>(vectors, at.R, at.D, a.layout, std::max(q.heads, k.heads), [&](auto type, dim3 block) {
            launch(qk_norm_rope_forward_kernel<typename decltype(type)::type, Scalar>, dim3(blocks_for(at.N, 1).x, 2),
                   block, 0, s, at, q, k, float(a.eps));
        });
    });
}

void qk_norm_rope_backward(const QkNormRopeBackward& a, Stream s) {
    if (a.q.rows() == 0) return;
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const auto at = positions_of(a);
        const auto q = head_tensors<Scalar>(a.d_q, a.q, a.d_y_q, a.q_gain, a.q_rstd);
        const auto k = head_tensors<Scalar>(a.d_k, a.k, a.d_y_k, a.k_gain, a.k_rstd);
        const bool vectors =
            vectors_fit({a.d_q, a.d_k, a.d_y_q, a.d_y_k, a.q, a.k, a.q_gain, a.k_gain, pairs_of(a.rope_table)});
        const ColumnTotals totals = column_totals(a.d_q_gain.as<float>(), a.d_k_gain.as<float>(),
                                                  std::min<int64_t>(at.N, column_blocks), at.D, s);
        by_heads<Scalar>(vectors, at.R, at.D, a.layout, std::max(q.heads, k.heads), [&](auto type, dim3 block) {
            launch(qk_norm_rope_backward_kernel<typename decltype(type)::type, Scalar>,
                   dim3(unsigned(totals.splits), 2), block, size_t(block.y) * size_t(at.D) * sizeof(float), s, at, q, k,
                   totals);
        });
        add_partials(totals, at.D, s);
    });
}

}  // namespace gradus::DEVICE
