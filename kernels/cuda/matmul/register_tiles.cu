// The matmul on the CUDA cores: f32, and bf16 whose addresses or row strides allow no 16-byte accesses. Any dtype and layout.
//
// Plan. A block computes a square tile of c and keeps slices of the operands, `depth` of k long, in shared memory as f32. Each of its
// 16 by 16 threads computes 4 by 4 elements of every 64 by 64 square of the tile: for each k it loads 4 elements of both operands per
// square, 16 bytes at a time, and multiplies all pairs of them. Meanwhile the next slices are on their way to registers.
//
// The threads of a warp load neighbouring elements of an operand's rows, which lie along k or along the extent.
#include "kernels/cuda/matmul/task.h"

namespace gradus::DEVICE {

namespace {

constexpr int side = 16, square = 64;  // threads and elements

// A slice of an operand, `extent` by `depth`, on its way from global memory over a thread's registers to shared memory.
template <class Scalar, int extent, int depth>
struct Slice {
    static constexpr int threads = side * side, count = extent * depth / threads, row = extent + 4;
    static constexpr size_t elements = size_t(depth) * row;

    const Scalar* operand;
    int64_t stride;
    int first, extent_end, k_end;
    bool along_k;  // a row of the operand is contiguous along k
    float values[count];

    // Element i of this thread: its place in the extent and the depth.
    __device__ int place(int i) const {
        const int at = int(threadIdx.x) + i * threads;
        return along_k ? at / depth : at % extent;
    }
    __device__ int level(int i) const {
        const int at = int(threadIdx.x) + i * threads;
        return along_k ? at % depth : at / extent;
    }
    __device__ void fetch(int k) {
#pragma unroll
        for (int i = 0; i < count; ++i) {
            const int64_t e = first + place(i), l = k + level(i);
            const bool inside = e < extent_end && l < k_end;
            values[i] = inside ? float(operand[along_k ? e * stride + l : l * stride + e]) : 0.f;
        }
    }
    __device__ void put(float* shared) const {
#pragma unroll
        for (int i = 0; i < count; ++i) shared[level(i) * row + place(i)] = values[i];
    }
};

template <class Scalar, class Result, MatmulEnd end, int extent, int depth>
__global__ __launch_bounds__(side* side, 1) void register_tile_kernel(MatmulTask task, bool transpose_a,
                                                                      bool transpose_b) {
    using Operand = Slice<Scalar, extent, depth>;
    constexpr int squares = extent / square;
    SHARED(float, shared_a, [Operand::elements]);
    SHARED(float, shared_b, [Operand::elements]);
    const TilePlace place = place_of(int(blockIdx.x), (task.M + extent - 1) / extent, (task.N + extent - 1) / extent);
    const int m = place.m * extent, n = place.n * extent;
    const int k = int(blockIdx.y) * task.depth, k_end = min(task.K, k + task.depth);
    const int tm = int(threadIdx.x) / side * 4, tn = int(threadIdx.x) % side * 4;

    Operand a = {static_cast<const Scalar*>(task.a), task.a_stride, m, task.M, k_end, !transpose_a, {}};
    Operand b = {static_cast<const Scalar*>(task.b), task.b_stride, n, task.N, k_end, transpose_b, {}};
    float sums[squares * 4][squares][4] = {};
    a.fetch(k);
    b.fetch(k);
    for (int at = k; at < k_end; at += depth) {
        a.put(shared_a);
        b.put(shared_b);
        __syncthreads();
        if (at + depth < k_end) {
            a.fetch(at + depth);
            b.fetch(at + depth);
        }
#pragma unroll 2
        for (int l = 0; l < depth; ++l) {
            Pack<float> of_a[squares], of_b[squares];
#pragma unroll
            for (int i = 0; i < squares; ++i) {
                of_a[i] = load_pack(shared_a + l * Operand::row + i * square + tm);
                of_b[i] = load_pack(shared_b + l * Operand::row + i * square + tn);
            }
#pragma unroll
            for (int i = 0; i < squares * 4; ++i)
#pragma unroll
                for (int j = 0; j < squares * 4; ++j) sums[i][j / 4][j % 4] += of_a[i / 4][i % 4] * of_b[j / 4][j % 4];
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < squares * 4; ++i)
#pragma unroll
        for (int j = 0; j < squares; ++j)
            finish_split<Result, end>(task, sums[i][j], int(blockIdx.y), m + i / 4 * square + tm + i % 4,
                                      n + j * square + tn);
}

template <class Scalar, class Result, MatmulEnd end>
void launch_extent(const MatmulTask& task, const Matmul& p, MatmulTile tile, Stream s) {
    const auto run = [&](auto* kernel, int extent) {
        dim3 grid = blocks_for(int64_t((task.M + extent - 1) / extent) * ((task.N + extent - 1) / extent), 1);
        grid.y = unsigned(task.splits);
        launch(kernel, grid, dim3(side * side), 0, s, task, p.transpose_a, p.transpose_b);
    };
    if (tile == MatmulTile::small) run(register_tile_kernel<Scalar, Result, end, 64, 16>, 64);
    else run(register_tile_kernel<Scalar, Result, end, 128, 8>, 128);
}

template <class Scalar, class Result>
void launch_end(const MatmulTask& task, const Matmul& p, MatmulTile tile, Stream s) {
    switch (p.end) {
        case MatmulEnd::plain: return launch_extent<Scalar, Result, MatmulEnd::plain>(task, p, tile, s);
        case MatmulEnd::activate: return launch_extent<Scalar, Result, MatmulEnd::activate>(task, p, tile, s);
        case MatmulEnd::derive: return launch_extent<Scalar, Result, MatmulEnd::derive>(task, p, tile, s);
    }
}

}  // namespace

void multiply_in_register_tiles(const MatmulTask& task, const Matmul& p, MatmulTile tile, Stream s) {
    if (p.a.dtype == DType::f32) launch_end<float, float>(task, p, tile, s);
    else if (p.c.dtype == DType::f32) launch_end<bf16, float>(task, p, tile, s);
    else launch_end<bf16, bf16>(task, p, tile, s);
}

}  // namespace gradus::DEVICE
