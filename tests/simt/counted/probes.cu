// Small kernels whose counts are known.
#include "tests/simt/counted/probes.h"

#include "kernels/cuda/common.h"
#include "kernels/cuda/primitives/async_copy.h"
#include "kernels/cuda/primitives/matrix.h"
#include "kernels/cuda/primitives/warpgroup.h"

namespace gradus::DEVICE {

namespace {

__global__ void strided_kernel(float* y, const float* x, int stride, int offset) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = x[i * stride + offset];
}

__global__ void packed_kernel(float* y, const float* x) {
    const int i = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    store_pack(y + i, load_pack(x + i));
}

// Each row by one lane of a warp after the other: some lanes have one round more.
__global__ void rows_kernel(float* y, const float* x, int C) {
    for (int c = threadIdx.x; c < C; c += warp) {
        const float value = x[blockIdx.x * C + c];
        if (value > 0) y[blockIdx.x * C + c] = value;
    }
}

__global__ void shared_kernel(float* y, int stride, int words) {
    DYNAMIC_SHARED(float, tile);
    for (int w = 0; w < words; ++w) tile[threadIdx.x * stride + w] = float(w);
    __syncthreads();
    y[threadIdx.x] = tile[threadIdx.x * stride];
}

template <bool swizzled>
__global__ void matrix_kernel(float* y) {
    SHARED(bf16, tile, [16][64]);
    for (int i = threadIdx.x; i < 16 * 64; i += warp) (&tile[0][0])[i] = bf16(1.f);
    __syncwarp();
    const int row = threadIdx.x % 16, chunk = threadIdx.x / 16, place = swizzled ? chunk ^ (row % 8) : chunk;
    unsigned a[4];
    ldmatrix(a, &tile[row][8 * place]);
    float d[4] = {};
    mma_bf16(d, a, {a[0], a[1]});
    y[threadIdx.x] = expf(warp_sum(d[0]));
}

__global__ void copied_kernel(float* y, const float* x) {
    DYNAMIC_SHARED(float, tile);
    copy_async(tile + 4 * threadIdx.x, x + 4 * threadIdx.x);
    copy_async_commit();
    copy_async_wait<0>();
    __syncthreads();
    y[threadIdx.x] = tile[threadIdx.x];
    if (threadIdx.x == 0) atomicAdd(y, 1.f);
}

// The work of a block grows with its index, as that of a causal mask.
__global__ void triangle_kernel(float* y, const float* x) {
    float sum = 0;
    for (unsigned i = 0; i <= blockIdx.x; ++i) sum += x[32 * i + threadIdx.x];
    y[(blockIdx.y * gridDim.x + blockIdx.x) * 32 + threadIdx.x] = sum;
}

// The same in one row of blocks: sections of heads, in which the longest blocks of all heads are first.
__global__ void sections_kernel(float* y, const float* x, unsigned tiles, unsigned section) {
    const unsigned tile = tiles - 1 - blockIdx.x % (section * tiles) / section;
    float sum = 0;
    for (unsigned i = 0; i <= tile; ++i) sum += x[32 * i + threadIdx.x];
    y[blockIdx.x * 32 + threadIdx.x] = sum;
}

}  // namespace

void probe_strided(float* y, const float* x, int blocks, int stride, int offset) {
    launch(strided_kernel, blocks, 64, 0, Stream{}, y, x, stride, offset);
}
void probe_packed(float* y, const float* x) { launch(packed_kernel, 2, 64, 0, Stream{}, y, x); }
void probe_rows(float* y, const float* x, int rows, int C) { launch(rows_kernel, rows, 32, 0, Stream{}, y, x, C); }
void probe_shared(float* y, int stride, int words) {
    launch(shared_kernel, 1, 32, size_t(32 * (stride + words)) * sizeof(float), Stream{}, y, stride, words);
}
void probe_matrix(float* y, bool swizzled) {
    if (swizzled) launch(matrix_kernel<true>, 1, 32, 0, Stream{}, y);
    else launch(matrix_kernel<false>, 1, 32, 0, Stream{}, y);
}
void probe_copied(float* y, const float* x) { launch(copied_kernel, 1, 64, 1024, Stream{}, y, x); }
void probe_triangle(float* y, const float* x, int tiles, int heads) {
    launch(triangle_kernel, dim3(unsigned(tiles), unsigned(heads)), 32, 0, Stream{}, y, x);
}
void probe_sections(float* y, const float* x, int tiles, int heads, int section) {
    launch(sections_kernel, unsigned(tiles * heads), 32, 0, Stream{}, y, x, unsigned(tiles), unsigned(section));
}

}  // namespace gradus::DEVICE
