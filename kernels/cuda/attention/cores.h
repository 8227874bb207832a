#pragma once
// The products of attention by a warp, on three kinds of cores. The kernels are templates on them:
//   Bf16TensorCores   bf16: mma m16n8k16
//   Tf32TensorCores   f32, rounded to tf32 (10 bits of mantissa): mma m16n8k8
//   F32CudaCores      f32: fused multiply-adds
//
// All keep results in the layout of mma (kernels/cuda/primitives/matrix.h): a warp has 16 rows, in tiles of eight columns (Sums).
// A thread has two rows, lane / 4 and lane / 4 + 8, and of each tile the columns 2·(lane % 4) and the next; `half` 0 or 1 selects the
// row. Four neighbouring lanes share a row. So everything between two products is the same on all cores.
//
//   Left                            16 rows of a left operand and `depth` channels; left(tile, row, k) takes those from depth·k
//   multiply_channels(s, a, x, k)   s += A·Xᵀ, over the channels of step k; X: the rows of a tile, A: one operand per fragment
//   multiply_rows(sums, p, x)       sums += P·X, over all rows of X; P: results of the first kind
//   put(tile, row, sums, factors)   writes results times a factor for each half to 16 rows of a tile
//
// In multiply_rows, P needs no exchange between lanes on tensor cores. bf16: results of m16n8 have the layout of the left operand of
// k16. tf32: the columns of P and the rows of X can be numbered in any order, as long as both agree: in an order in which lanes have
// the columns that they need.
#include "kernels/cuda/attention/tile.h"
#include "kernels/cuda/primitives/conversion.h"
#include "kernels/cuda/primitives/matrix.h"

namespace gradus::DEVICE {

constexpr int fragment_rows = 16;  // of a warp's operand
using Sums = float[4];             // as d of mma: [2·half + column]

__device__ inline int lane_of_block() { return int(threadIdx.x) % warp; }
// The row, and the first column, of this thread.
__device__ inline int row_of_lane(int half) { return lane_of_block() / 4 + 8 * half; }
__device__ inline int column_of_lane() { return lane_of_block() % 4 * 2; }

// Over the lanes that share a row; in each of them.
__device__ inline float row_sum(float x) {
    x += __shfl_xor_sync(all_lanes, x, 1);
    return x + __shfl_xor_sync(all_lanes, x, 2);
}
__device__ inline float row_max(float x) {
    x = fmaxf(x, __shfl_xor_sync(all_lanes, x, 1));
    return fmaxf(x, __shfl_xor_sync(all_lanes, x, 2));
}

// The loads by which tensor cores receive 16 rows and two chunks of a tile, as a left operand or as two right ones.
namespace tensor_cores {

template <class Rows>
__device__ void load_left(unsigned (&r)[4], const Rows& tile, int row, int k) {
    const int lane = lane_of_block();
    ldmatrix(r, tile.chunk_pair(row, lane % 16, k, lane / 16));
}
template <class Rows>
__device__ void load_right(unsigned (&r)[4], const Rows& tile, int row, int k) {
    const int lane = lane_of_block();
    ldmatrix(r, tile.chunk_pair(row, lane / 16 * 8 + lane % 8, k, lane / 8 % 2));
}

}  // namespace tensor_cores

struct Bf16TensorCores {
    using Scalar = bf16;
    static constexpr int depth = 16;
    static constexpr int unrolled = 16;  // steps over channels
    struct Left {
        unsigned r[4];
    };

    template <class Rows>
    static __device__ Left left(const Rows& tile, int row, int k) {
        Left a;
        tensor_cores::load_left(a.r, tile, row, k);
        return a;
    }

    template <int fragments, int columns, class Rows>
    static __device__ void multiply_channels(Sums (&s)[fragments][columns], const Left (&a)[fragments], const Rows& x,
                                             int k) {
#pragma unroll
        for (int n = 0; n < columns / 2; ++n) {
            unsigned r[4];
            tensor_cores::load_right(r, x, 16 * n, k);
#pragma unroll
            for (int f = 0; f < fragments; ++f) multiply(s[f][2 * n], s[f][2 * n + 1], a[f].r, r);
        }
    }

    template <int fragments, int columns, int channels, class Rows>
    static __device__ void multiply_rows(Sums (&sums)[fragments][channels], const Sums (&p)[fragments][columns],
                                         const Rows& x) {
        const int lane = lane_of_block();
#pragma unroll
        for (int k = 0; k < columns / 2; ++k) {
            unsigned a[fragments][4];
#pragma unroll
            for (int f = 0; f < fragments; ++f) {
                const Sums &first = p[f][2 * k], &second = p[f][2 * k + 1];
                a[f][0] = bf16_pair(first[0], first[1]);
                a[f][1] = bf16_pair(first[2], first[3]);
                a[f][2] = bf16_pair(second[0], second[1]);
                a[f][3] = bf16_pair(second[2], second[3]);
            }
#pragma unroll
            for (int n = 0; n < channels / 2; ++n) {
                unsigned r[4];
                ldmatrix_transposed(r, x.chunk_pair(16 * k, lane % 16, n, lane / 16));
#pragma unroll
                for (int f = 0; f < fragments; ++f) multiply(sums[f][2 * n], sums[f][2 * n + 1], a[f], r);
            }
        }
    }

    template <int channels, class Rows>
    static __device__ void put(const Rows& tile, int row, const Sums (&s)[channels], const float (&factors)[2]) {
#pragma unroll
        for (int half = 0; half < 2; ++half)
#pragma unroll
            for (int n = 0; n < channels; ++n)
                *reinterpret_cast<unsigned*>(tile.chunk(row + row_of_lane(half), n) + column_of_lane()) =
                    bf16_pair(s[n][2 * half] * factors[half], s[n][2 * half + 1] * factors[half]);
    }

private:
    // r: the right operands of two products side by side.
    static __device__ void multiply(Sums& first, Sums& second, const unsigned (&a)[4], const unsigned (&r)[4]) {
        const unsigned of_first[2] = {r[0], r[1]}, of_second[2] = {r[2], r[3]};
        mma_bf16(first, a, of_first);
        mma_bf16(second, a, of_second);
    }
};

struct Tf32TensorCores {
    using Scalar = float;
    static constexpr int depth = 8;
    static constexpr int unrolled = 32;
    using Left = Bf16TensorCores::Left;

    // ldmatrix moves pairs of 16-bit elements, each a float here.
    template <class Rows>
    static __device__ Left left(const Rows& tile, int row, int k) {
        Left a;
        tensor_cores::load_left(a.r, tile, row, k);
        return a;
    }

    template <int fragments, int columns, class Rows>
    static __device__ void multiply_channels(Sums (&s)[fragments][columns], const Left (&a)[fragments], const Rows& x,
                                             int k) {
#pragma unroll
        for (int n = 0; n < columns / 2; ++n) {
            unsigned r[4];
            tensor_cores::load_right(r, x, 16 * n, k);
            const unsigned of_first[2] = {r[0], r[1]}, of_second[2] = {r[2], r[3]};
#pragma unroll
            for (int f = 0; f < fragments; ++f) {
                mma_tf32(s[f][2 * n], a[f].r, of_first);
                mma_tf32(s[f][2 * n + 1], a[f].r, of_second);
            }
        }
    }

    // Of eight columns of P, those of this thread, 2·(lane % 4) and the next, are its columns lane % 4 and lane % 4 + 4 of the operand.
    template <int fragments, int columns, int channels, class Rows>
    static __device__ void multiply_rows(Sums (&sums)[fragments][channels], const Sums (&p)[fragments][columns],
                                         const Rows& x) {
        const int channel = lane_of_block() / 4;
        const auto element = [&](int k, int n, int e) {
            return __float_as_uint(x.chunk_pair(8 * k, column_of_lane() + e, n, channel / 4)[channel % 4]);
        };
#pragma unroll
        for (int k = 0; k < columns; ++k) {
            unsigned a[fragments][4];
#pragma unroll
            for (int f = 0; f < fragments; ++f)
#pragma unroll
                for (int e = 0; e < 4; ++e) a[f][e] = __float_as_uint(p[f][k][e % 2 * 2 + e / 2]);
#pragma unroll
            for (int n = 0; n < channels; ++n) {
                const unsigned r[2] = {element(k, n, 0), element(k, n, 1)};
#pragma unroll
                for (int f = 0; f < fragments; ++f) mma_tf32(sums[f][n], a[f], r);
            }
        }
    }

    template <int channels, class Rows>
    static __device__ void put(const Rows& tile, int row, const Sums (&s)[channels], const float (&factors)[2]) {
#pragma unroll
        for (int half = 0; half < 2; ++half)
#pragma unroll
            for (int n = 0; n < channels; ++n) {
                float* const to =
                    tile.chunk(row + row_of_lane(half), 2 * n + column_of_lane() / 4) + column_of_lane() % 4;
                to[0] = s[n][2 * half] * factors[half];
                to[1] = s[n][2 * half + 1] * factors[half];
            }
    }
};

// A thread computes its own elements of the results. Of two neighbouring tiles of the sums over rows it has four consecutive channels
// instead: a chunk of X each.
struct F32CudaCores {
    using Scalar = float;
    static constexpr int depth = 4;
    static constexpr int unrolled = 2;
    struct Left {
        Pack<float> rows[2];
    };

    template <class Rows>
    static __device__ Left left(const Rows& tile, int row, int k) {
        return {{load_pack(tile.chunk(row + row_of_lane(0), k)), load_pack(tile.chunk(row + row_of_lane(1), k))}};
    }

    template <int fragments, int columns, class Rows>
    static __device__ void multiply_channels(Sums (&s)[fragments][columns], const Left (&a)[fragments], const Rows& x,
                                             int k) {
#pragma unroll
        for (int n = 0; n < columns; ++n)
#pragma unroll
            for (int e = 0; e < 2; ++e) {
                const Pack<float> r = load_pack(x.chunk(8 * n + column_of_lane() + e, k));
#pragma unroll
                for (int f = 0; f < fragments; ++f)
#pragma unroll
                    for (int d = 0; d < 4; ++d) {
                        s[f][n][e] += a[f].rows[0][d] * r[d];
                        s[f][n][2 + e] += a[f].rows[1][d] * r[d];
                    }
            }
    }

    template <int fragments, int columns, int channels, class Rows>
    static __device__ void multiply_rows(Sums (&sums)[fragments][channels], const Sums (&p)[fragments][columns],
                                         const Rows& x) {
        const int lane = lane_of_block(), first_of_row = lane / 4 * 4;
#pragma unroll
        for (int n = 0; n < columns; ++n)
#pragma unroll 1
            for (int owner = 0; owner < 4; ++owner)
#pragma unroll
                for (int e = 0; e < 2; ++e) {
                    float factors[fragments][2];
#pragma unroll
                    for (int f = 0; f < fragments; ++f)
                        for (int half = 0; half < 2; ++half)
                            factors[f][half] = __shfl_sync(all_lanes, p[f][n][2 * half + e], first_of_row + owner);
#pragma unroll
                    for (int c = 0; c < channels / 2; ++c) {
                        const Pack<float> r = load_pack(x.chunk(8 * n + 2 * owner + e, 4 * c + lane % 4));
#pragma unroll
                        for (int f = 0; f < fragments; ++f)
#pragma unroll
                            for (int d = 0; d < 4; ++d)
                                for (int half = 0; half < 2; ++half)
                                    sums[f][2 * c + d / 2][2 * half + d % 2] += factors[f][half] * r[d];
                    }
                }
    }

    template <int channels, class Rows>
    static __device__ void put(const Rows& tile, int row, const Sums (&s)[channels], const float (&factors)[2]) {
#pragma unroll
        for (int half = 0; half < 2; ++half)
#pragma unroll
            for (int c = 0; c < channels / 2; ++c) {
                Pack<float> pack;
                for (int d = 0; d < 4; ++d) pack[d] = s[2 * c + d / 2][2 * half + d % 2] * factors[half];
                store_pack(tile.chunk(row + row_of_lane(half), 4 * c + lane_of_block() % 4), pack);
            }
    }
};

}  // namespace gradus::DEVICE
