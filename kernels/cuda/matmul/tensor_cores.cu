// The matmul of bf16 on the tensor cores of sm_80.
//
// Plan. A block computes a tile of c, its warps parts of it, with the sums in registers. It walks along k: cp.async copies tiles of
// both operands to a ring of `stages` slots in shared memory, so that `stages` − 1 tiles are under way while one is multiplied
// (operand_tile.h). A tile is multiplied in steps of 16 of k; ldmatrix loads the fragments of the next step, of the next tile at the
// end of one, while mma multiplies those of this step.
//
// One barrier a tile does both: it makes the next tile visible, after a wait for the thread's own copies of it, and it frees the
// slot of the tile before, whose last fragments every warp has then loaded.
//
// At the end each warp passes its sums through shared memory, 16 rows at a time (strip.h).
#include <array>

#include "kernels/cuda/matmul/forms.h"
#include "kernels/cuda/matmul/operand_tile.h"
#include "kernels/cuda/matmul/own.h"
#include "kernels/cuda/matmul/strip.h"
#include "kernels/cuda/matmul/task.h"

namespace gradus::DEVICE {

namespace {

template <int rows_, int columns_, int depth_, int warps_m_, int warps_n_, int stages_, int blocks_>
struct BlockTile {
    static constexpr int rows = rows_, columns = columns_, depth = depth_;
    static constexpr int warps_m = warps_m_, warps_n = warps_n_, threads = warps_m * warps_n * warp;
    static constexpr int warp_rows = rows / warps_m, warp_columns = columns / warps_n;
    static constexpr int stages = stages_, blocks = blocks_;  // of an SM
    using WarpStrip = Strip<warp_columns>;
    static constexpr size_t shared_bytes = size_t(stages) * (rows + columns) * depth * sizeof(bf16);
    static_assert(depth_unit % depth == 0 && depth % 32 == 0);
    static_assert(warps_m * warps_n * WarpStrip::sums * sizeof(float) <= shared_bytes);
};

using Small = BlockTile<64, 64, 64, 2, 2, 4, 3>;
using Medium = BlockTile<128, 128, 32, 2, 2, 4, 2>;
using Large = BlockTile<128, 256, 32, 2, 4, 4, 1>;

// The sums of a warp, and the fragments of two steps: those that mma reads and those that ldmatrix writes.
template <class Tile, Major a_major, Major b_major>
struct WarpProduct {
    static constexpr int m_tiles = Tile::warp_rows / 16, n_tiles = Tile::warp_columns / 8;
    using A = OperandTile<a_major, Tile::rows, Tile::depth>;
    using B = OperandTile<b_major, Tile::columns, Tile::depth>;

    float sums[m_tiles][n_tiles][4] = {};
    unsigned a[2][m_tiles][4], b[2][n_tiles][2];

    __device__ void load(int to, const bf16* slot, int first_m, int first_n, int k) {
#pragma unroll
        for (int i = 0; i < m_tiles; ++i) A::load_a(a[to][i], slot, first_m + 16 * i, k);
#pragma unroll
        for (int j = 0; j < n_tiles; j += 2) B::load_b(b[to][j], b[to][j + 1], slot + A::elements, first_n + 8 * j, k);
    }

    __device__ void multiply(int from) {
#pragma unroll
        for (int i = 0; i < m_tiles; ++i)
#pragma unroll
            for (int j = 0; j < n_tiles; ++j) mma_bf16(sums[i][j], a[from][i], b[from][j]);
    }

    // Writes tile row i of the sums.
    __device__ void write(float* strip, int i) const {
        Tile::WarpStrip::write(strip, [&](int j, int half) {
            return std::array{sums[i][j][2 * half], sums[i][j][2 * half + 1]};
        });
    }
};

template <class Tile, Major a_major, Major b_major, MatmulEnd end>
__global__ __launch_bounds__(Tile::threads, Tile::blocks) void tensor_core_kernel(MatmulTask task, bool result_f32) {
    DYNAMIC_SHARED(bf16, shared);
    using Product = WarpProduct<Tile, a_major, b_major>;
    constexpr int slot_elements = Product::A::elements + Product::B::elements;
    const TilePlace place =
        place_of(int(blockIdx.x), (task.M + Tile::rows - 1) / Tile::rows, (task.N + Tile::columns - 1) / Tile::columns);
    const int m = place.m * Tile::rows, n = place.n * Tile::columns;
    const int k = int(blockIdx.y) * task.depth, k_end = min(task.K, k + task.depth);
    const int warp_index = int(threadIdx.x) / warp;
    const int first_m = warp_index / Tile::warps_n * Tile::warp_rows;
    const int first_n = warp_index % Tile::warps_n * Tile::warp_columns;

    OperandCopies<a_major, Tile::rows, Tile::depth, Tile::threads> copies_a(task.a, task.a_stride, m, task.M, k, k_end);
    OperandCopies<b_major, Tile::columns, Tile::depth, Tile::threads> copies_b(task.b, task.b_stride, n, task.N, k,
                                                                               k_end);
    const auto start_copies = [&](bf16* slot) {
        copies_a.start(slot);
        copies_b.start(slot + Product::A::elements);
        copy_async_commit();
    };

    for (int stage = 0; stage < Tile::stages - 1; ++stage) start_copies(shared + stage * slot_elements);
    copy_async_wait<Tile::stages - 2>();
    __syncthreads();
    Product product;
    product.load(0, shared, first_m, first_n, 0);

    int slot = 0, free = Tile::stages - 1;
    for (int at = k; at < k_end; at += Tile::depth) {
#pragma unroll
        for (int step = 0; step < Tile::depth / 16; ++step) {
            if (step == Tile::depth / 16 - 1) {
                copy_async_wait<Tile::stages - 2>();
                __syncthreads();
                slot = slot + 1 == Tile::stages ? 0 : slot + 1;
            }
            product.load((step + 1) % 2, shared + slot * slot_elements, first_m, first_n,
                         (step + 1) * 16 % Tile::depth);
            if (step == 0) {
                start_copies(shared + free * slot_elements);
                free = free + 1 == Tile::stages ? 0 : free + 1;
            }
            product.multiply(step % 2);
        }
    }

    copy_async_wait<0>();  // those past the end of k, which write zeros
    __syncthreads();
    float* const strip = reinterpret_cast<float*>(shared) + warp_index * Tile::WarpStrip::sums;
#pragma unroll 1
    for (int row = 0; row < Product::m_tiles; ++row) {
#pragma unroll
        for (int i = 0; i < Product::m_tiles; ++i)  // constants as indices keep the sums in registers
            if (i == row) product.write(strip, i);
        __syncwarp();
        const int strip_m = m + first_m + 16 * row, strip_n = n + first_n, split = int(blockIdx.y);
        if (result_f32) Tile::WarpStrip::template finish<float, end>(task, strip, split, strip_m, strip_n);
        else Tile::WarpStrip::template finish<bf16, end>(task, strip, split, strip_m, strip_n);
        __syncwarp();
    }
}

template <class Tile>
void launch_tile(const MatmulTask& task, const Matmul& p, Stream s) {
    const int64_t tiles_m = (task.M + Tile::rows - 1) / Tile::rows,
                  tiles_n = (task.N + Tile::columns - 1) / Tile::columns;
    dim3 grid = blocks_for(tiles_m * tiles_n, 1);
    grid.y = unsigned(task.splits);
    by_form(p, [&](auto form) {
        using Form = decltype(form);
        launch(tensor_core_kernel<Tile, Form::a_major, Form::b_major, Form::end>, grid, dim3(Tile::threads),
               Tile::shared_bytes, s, task, p.c.dtype == DType::f32);
    });
}

}  // namespace

void multiply_on_tensor_cores(const MatmulTask& task, const Matmul& p, MatmulTile tile, Stream s) {
    switch (tile) {
        case MatmulTile::small: return launch_tile<Small>(task, p, s);
        case MatmulTile::medium: return launch_tile<Medium>(task, p, s);
        case MatmulTile::large: return launch_tile<Large>(task, p, s);
    }
}

}  // namespace gradus::DEVICE
