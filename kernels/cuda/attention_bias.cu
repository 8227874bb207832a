// The gradient of a relative bias on a GPU. The formulas are in kernels/attention.h.
//
// Plan. d_bias[h, c] sums p · (d_y·v − delta) along the diagonal u − t = c − M of every sequence, and the first and last column
// over all distances beyond. A block recomputes these products in tiles of 64 queries and 64 keys and adds each tile's 127
// diagonals, in order, to the row of partial sums that it owns. Block (chunk, h) takes every `chunks`-th query tile of head h. A
// second kernel adds the chunks in order.
//
// Tiles: 256 threads share the channels of q, k, d_y and v, 16 at a time, in shared memory; a thread has 4 by 4 products of both
// matmuls in registers.
#include "kernels/cuda/attention_bias.h"

#include "kernels/cuda/attention.h"

namespace gradus::DEVICE {

namespace {

constexpr int tile = 64, side = 16, own = tile / side;  // threads along a side, and elements of each
constexpr int threads = side * side, depth = 16, diagonals = 2 * tile - 1;
constexpr int most_chunks = 64;

template <class Scalar>
struct Operands {
    HeadRows<const Scalar> q, k, v, d_y;
    const float *lse, *delta;
    const int32_t *lo, *hi;
};

// Channels [d, d + depth) of the rows [first, first + 64) below `end` of head `head`; zeros elsewhere.
template <class Scalar>
__device__ void load_channels(float (&to)[tile][depth + 1], const HeadRows<const Scalar>& rows, int64_t b,
                              int64_t first, int64_t end, int64_t head, int64_t d, int64_t D) {
#pragma unroll 2
    for (int i = int(threadIdx.x); i < tile * depth; i += threads) {
        const int r = i / depth, c = i % depth;
        to[r][c] = first + r < end && d + c < D ? float(rows.at(b, first + r, head)[d + c]) : 0.f;
    }
}

__device__ void multiply(float (&sums)[own][own], const float (&a)[tile][depth + 1],
                         const float (&b)[tile][depth + 1]) {
    const int row = int(threadIdx.x) / side, column = int(threadIdx.x) % side;
#pragma unroll 4
    for (int d = 0; d < depth; ++d) {
        float left[own], right[own];
#pragma unroll
        for (int i = 0; i < own; ++i) {
            left[i] = a[row + i * side][d];
            right[i] = b[column + i * side][d];
        }
#pragma unroll
        for (int i = 0; i < own; ++i)
#pragma unroll
            for (int j = 0; j < own; ++j) sums[i][j] += left[i] * right[j];
    }
}

// Adds the diagonals of a tile to a row of partial sums; `distance` is u − t of its first element. Two threads share a diagonal,
// each with half of the queries. Warp 0 adds those that belong to the first column, warp 1 those of the last one; a single column is the first.
__device__ void add_diagonals(float* sums, const float (&d_score)[tile][tile + 1], float (&parts)[2][2 * tile],
                              int64_t distance, int64_t reach) {
    const int half = int(threadIdx.x) / (2 * tile), mine = int(threadIdx.x) % (2 * tile), offset = mine - (tile - 1);
    float sum = 0;
    for (int r = half * (tile / 2); r < (half + 1) * (tile / 2); ++r)
        if (0 <= r + offset && r + offset < tile) sum += d_score[r][r + offset];
    parts[half][mine] = sum;
    __syncthreads();
    const int64_t first = distance - (tile - 1);  // of diagonal 0
    if (threadIdx.x < 2 * warp) {
        const bool last_column = threadIdx.x >= warp;
        float all = 0;
        for (int k = int(threadIdx.x) % warp; k < diagonals; k += warp) {
            const bool low = first + k <= -reach || reach == 0, high = !low && first + k >= reach;
            if (last_column ? high : low) all += parts[0][k] + parts[1][k];
        }
        all = warp_sum(all);
        if (threadIdx.x % warp == 0 && all != 0) sums[last_column ? 2 * reach : 0] += all;
    } else {
        const int k = int(threadIdx.x) - 2 * warp;
        if (k < diagonals && first + k > -reach && first + k < reach)
            sums[first + k + reach] += parts[0][k] + parts[1][k];
    }
}

// Queries [t0, t0 + 64) of head h of sequence b against all of their keys.
template <class Scalar>
__device__ void add_query_tile(float* sums, const Operands<Scalar>& in, const HeadSizes& of, int64_t b, int64_t h,
                               int64_t t0, float scale, const RelativeBiasScore<float>& function) {
    SHARED(float, left, [tile][depth + 1]);
    SHARED(float, right, [tile][depth + 1]);
    SHARED(float, d_left, [tile][depth + 1]);
    SHARED(float, d_right, [tile][depth + 1]);
    SHARED(float, d_score, [tile][tile + 1]);
    SHARED(float, parts, [2][2 * tile]);
    const int64_t g = of.group(h), last = min(t0 + tile, of.Tq) - 1;
    const int row = int(threadIdx.x) / side, column = int(threadIdx.x) % side;
    for (int64_t u0 = in.lo[b * of.Tq + t0] / tile * tile; u0 < in.hi[b * of.Tq + last]; u0 += tile) {
        float s[own][own] = {}, d_p[own][own] = {};
        for (int64_t d = 0; d < of.D; d += depth) {
            __syncthreads();
            load_channels(left, in.q, b, t0, of.Tq, h, d, of.D);
            load_channels(right, in.k, b, u0, of.Tk, g, d, of.D);
            load_channels(d_left, in.d_y, b, t0, of.Tq, h, d, of.D);
            load_channels(d_right, in.v, b, u0, of.Tk, g, d, of.D);
            __syncthreads();
            multiply(s, left, right);
            multiply(d_p, d_left, d_right);
        }
#pragma unroll
        for (int i = 0; i < own; ++i) {
            const int64_t t = min(t0 + row + i * side, last), n = b * of.Tq + t, query = (b * of.H + h) * of.Tq + t;
            const bool inside = t0 + row + i * side <= last;
            const int64_t lo = in.lo[n], hi = in.hi[n];
            const float lse = in.lse[query], delta = in.delta[query];
            const QueryScore<RelativeBiasScore<float>> score(function, b, h, t);
#pragma unroll
            for (int j = 0; j < own; ++j) {
                const int64_t u = u0 + column + j * side;
                const float p = expf(score(scale * s[i][j], u) - lse);
                d_score[row + i * side][column + j * side] =
                    inside && lo <= u && u < hi ? p * (d_p[i][j] - delta) : 0.f;
            }
        }
        __syncthreads();
        add_diagonals(sums, d_score, parts, u0 - t0, function.reach);
    }
}

// to: a row of sums per chunk and head, [chunks, H, 2M+1]; with one chunk it is d_bias itself, which is added to.
template <class Scalar>
__global__ void __launch_bounds__(threads, 1) attention_bias_kernel(float* to, Operands<Scalar> in, HeadSizes of,
                                                                    float scale, RelativeBiasScore<float> function) {
    const int64_t chunk = blockIdx.x, chunks = gridDim.x, h = blockIdx.y, columns = 2 * int64_t(function.reach) + 1;
    float* const sums = to + (chunk * of.H + h) * columns;
    if (chunks > 1)
        for (int64_t c = threadIdx.x; c < columns; c += threads) sums[c] = 0;
    __syncthreads();
    const int64_t tiles = (of.Tq + tile - 1) / tile;
    for (int64_t i = chunk; i < of.B * tiles; i += chunks)
        add_query_tile(sums, in, of, i / tiles, h, i % tiles * tile, scale, function);
}

__global__ void attention_bias_sum_kernel(float* d_bias, const float* parts, int64_t chunks, int64_t n) {
    const int64_t i = element();
    if (i >= n) return;
    float sum = 0;
    for (int64_t k = 0; k < chunks; ++k) sum += parts[k * n + i];
    d_bias[i] += sum;
}

}  // namespace

void attention_bias_backward(const AttentionBackward& a, Stream s) {
    const HeadSizes of = {a.B, a.Tq, a.Tk, a.H, a.G, a.D};
    const auto function = function_of<float>(std::get<RelativeBias>(a.score));
    const int64_t n = a.d_bias.size(), tiles = of.B * ((of.Tq + tile - 1) / tile);
    const int64_t room = int64_t(s.workspace_bytes / sizeof(float)) / n;
    const int64_t chunks = std::max<int64_t>(1, std::min({tiles, room, int64_t(most_chunks)}));
    float* const parts = chunks == 1 ? a.d_bias.as<float>() : static_cast<float*>(s.workspace);
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const auto of_queries = [&](const Tensor& t) { return heads_of<const Scalar>(t, a.Tq, a.D); };
        const auto of_keys = [&](const Tensor& t) { return heads_of<const Scalar>(t, a.Tk, a.D); };
        const Operands<Scalar> in = {of_queries(a.q),   of_keys(a.k),        of_keys(a.v),       of_queries(a.d_y),
                                     a.lse.as<float>(), a.delta.as<float>(), a.lo.as<int32_t>(), a.hi.as<int32_t>()};
        launch(attention_bias_kernel<Scalar>, dim3(unsigned(chunks), unsigned(a.H)), dim3(threads), 0, s, parts, in, of,
               float(a.scale), function);
    });
    if (chunks > 1) launch_elements(attention_bias_sum_kernel, n, s, a.d_bias.as<float>(), parts, chunks, n);
}

}  // namespace gradus::DEVICE
