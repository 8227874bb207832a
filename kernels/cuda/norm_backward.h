#pragma once
// The backward pass of both norms. The formulas are in kernels/layernorm.h and kernels/rmsnorm.h.
//
// Plan. One kernel reads d_y and x once for all gradients. A fixed number of blocks stay until all rows are done: a group of threads
// takes row after row, holds x and d_y in registers (row.h), and adds its terms of d_gain and d_bias to sums in registers, which have
// a place for each of its channels. At the end the groups of a block add up their sums one after the other, and column_sums.h adds
// those of the blocks.
//
// Rows that are too long or not aligned take two kernels: the sums over columns, then d_x, which may overwrite d_y.
#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/row.h"

namespace gradus::DEVICE {

template <class Scalar>
struct NormBackward {
    Scalar* d_x;
    float *d_gain, *d_bias;  // d_bias: null if there is none
    const Scalar *d_y, *d_residual, *x, *gain;
    const float *mean, *rstd;  // mean: null for RMSNorm
    int64_t N, C;
    float one_over_C = 1 / float(C);
};

constexpr int backward_threads = 256, most_backward_threads = 512;
constexpr int backward_blocks =
    264;  // of 256 threads, two for each SM of an H100; a constant, so that every GPU gives the same bits

// d_x of one row from x and d_y, which are rows, and the two means of the formula.
template <bool centred, class Row>
struct RowGradient {
    using Scalar = typename Row::Scalar;
    const NormBackward<Scalar>& f;
    const Row &x, &d_y;
    int64_t n;
    float mean = 0, rstd = 0;

    __device__ RowGradient(const NormBackward<Scalar>& all, const Row& x_row, const Row& d_y_row, int64_t row)
        : f(all), x(x_row), d_y(d_y_row), n(row) {
        if (n >= f.N) return;
        if constexpr (centred) mean = f.mean[n];
        rstd = f.rstd[n];
    }
    __device__ float normed(float value) const { return (value - mean) * rstd; }

    // The group's Σ g·x̂ and Σ g; terms(k, i, d_y, x̂) sees every element.
    template <class Terms>
    __device__ void sum(float (&sums)[2], float (&of_warps)[2][warp], Terms&& terms) const {
        x.each([&](int k, auto c) {
            const auto value = x.part(k, c), d = d_y.part(k, c), gain = load_part<Row::width>(f.gain + c);
            for (int i = 0; i < Row::width; ++i) {
                const float x_hat = normed(value[i]), g = gain[i] * d[i];
                sums[0] += g * x_hat;
                if constexpr (centred) sums[1] += g;
                terms(k, i, d[i], x_hat);
            }
        });
        group_sums(sums, of_warps);
    }
    __device__ void write(const float (&sums)[2]) const {
        const float mean_g_x_hat = sums[0] * f.one_over_C, mean_g = sums[1] * f.one_over_C;
        x.each([&](int k, auto c) {
            const auto value = x.part(k, c), d = d_y.part(k, c), gain = load_part<Row::width>(f.gain + c);
            Part<Scalar, Row::width> residual = {};
            if (f.d_residual) residual = load_part<Row::width>(f.d_residual + n * f.C + c);
            store_part(f.d_x + n * f.C + c, part_of<Scalar, Row::width>([&](int i) {
                           const float x_hat = normed(value[i]), g = gain[i] * d[i];
                           return rstd * (g - mean_g - x_hat * mean_g_x_hat) + residual[i];
                       }));
        });
    }
};

// ---- all gradients -----------------------------------------------------------------------------------------------

template <class Row, bool centred, int threads>
__global__ void __launch_bounds__(threads, most_backward_threads / threads)
    norm_backward_kernel(NormBackward<typename Row::Scalar> f, ColumnTotals totals) {
    SHARED(float, of_warps, [2][2][warp]);
    DYNAMIC_SHARED(float, of_group);  // [sums, C], if the block has several groups
    constexpr int sums_of_column = centred ? 2 : 1;
    float columns[sums_of_column][Row::packs][Row::width] = {};

    int turn = 0;
    const int64_t rows_of_grid = int64_t(gridDim.x) * blockDim.y;
    for (int64_t first = int64_t(blockIdx.x) * blockDim.y; first < f.N; first += rows_of_grid, turn ^= 1) {
        const int64_t n = first + threadIdx.y, C = n < f.N ? f.C : 0;
        Row x(f.x + n * f.C, C), d_y(f.d_y + n * f.C, C);
        const RowGradient<centred, Row> gradient(f, x, d_y, n);
        float sums[2] = {};
        gradient.sum(sums, of_warps[turn], [&](int k, int i, float d, float x_hat) {
            columns[0][k][i] += d * x_hat;
            if constexpr (centred) columns[1][k][i] += d;
        });
        gradient.write(sums);
    }

    // A chain: each group adds the sums of those before it, and the last writes the sums of the block. The columns are in the
    // order of ColumnTotals.
    const Row mine(f.C);
    for (int group = 0; group < int(blockDim.y); ++group) {
        if (int(threadIdx.y) == group)
            mine.each([&](int k, int c) {
                for (int s = 0; s < sums_of_column; ++s)
                    for (int first = 0; first < Row::width; first += four_columns) {
                        const int place = totals.place_of<Row::width>(c + first, int(f.C));
                        float* const of_block = of_group + s * int(f.C) + place;
                        Pack<float> sum = {};
                        if (group > 0) sum = load_pack(of_block);
                        for (int i = 0; i < four_columns; ++i) sum[i] += columns[s][k][first + i];
                        if (group + 1 < int(blockDim.y)) store_pack(of_block, sum);
                        else write_sums(totals, blockIdx.x, s, c + first, place, int(f.C), sum);
                    }
            });
        if (group + 1 < int(blockDim.y)) __syncthreads();
    }
}

// ---- one after the other, for walked rows ------------------------------------------------------------------------

template <class Scalar, bool centred>
struct NormTerms {
    static constexpr int sums = centred ? 2 : 1, width = 1;
    NormBackward<Scalar> f;

    __device__ void add(float (&to)[sums][width], int64_t n, int64_t c) const {
        float x = float(f.x[n * f.C + c]);
        const float d = float(f.d_y[n * f.C + c]);
        if constexpr (centred) {
            x -= f.mean[n];
            to[1][0] += d;
        }
        to[0][0] += d * (x * f.rstd[n]);
    }
};

template <class Row, bool centred>
__global__ void __launch_bounds__(most_backward_threads, 1)
    norm_backward_input_kernel(NormBackward<typename Row::Scalar> f) {
    SHARED(float, of_warps, [2][warp]);
    const int64_t n = row(), C = n < f.N ? f.C : 0;
    Row x(f.x + n * f.C, C), d_y(f.d_y + n * f.C, C);
    const RowGradient<centred, Row> gradient(f, x, d_y, n);
    float sums[2] = {};
    gradient.sum(sums, of_warps, [](int, int, float, float) {});
    gradient.write(sums);
}

// ---- the launches ------------------------------------------------------------------------------------------------

template <bool centred, class Scalar, class Row>
void launch_held(const NormBackward<Scalar>& f, const RowGroups& groups, std::type_identity<Row>, Stream s) {
    const int64_t blocks = std::min<int64_t>(backward_blocks, (f.N + groups.rows - 1) / groups.rows);
    const ColumnTotals totals = column_totals(f.d_gain, f.d_bias, blocks, f.C, s, Row::width);
    const size_t shared = groups.rows > 1 ? (centred ? 2 : 1) * size_t(f.C) * sizeof(float) : 0;
    const auto kernel = groups.threads > backward_threads ? norm_backward_kernel<Row, centred, most_backward_threads>
                                                          : norm_backward_kernel<Row, centred, backward_threads>;
    launch(kernel, dim3(unsigned(totals.splits)), groups.block(), shared, s, f, totals);
    add_partials(totals, f.C, s);
}

// `vectors`: vectors_fit() all tensors of [N,C] and [C] but the sums.
template <bool centred, class Scalar>
void launch_norm_backward(const NormBackward<Scalar>& f, bool vectors, Stream s) {
    if (f.N == 0) return;
    const RowGroups groups = row_groups<Scalar>(f.C, vectors, backward_threads, most_backward_threads);
    by_row<Scalar>(groups, [&](auto row) {
        using Row = typename decltype(row)::type;
        if constexpr (std::is_same_v<Row, WalkedRow<Scalar>>) {
            launch_column_sums(f.d_gain, f.d_bias, NormTerms<Scalar, centred>{f}, f.N, f.C, s);
            launch(norm_backward_input_kernel<Row, centred>, blocks_for(f.N, groups.rows), groups.block(), 0, s, f);
        } else {
            launch_held<centred>(f, groups, row, s);
        }
    });
}

}  // namespace gradus::DEVICE
