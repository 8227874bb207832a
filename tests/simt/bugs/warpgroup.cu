// Bugs with wgmma and setmaxnreg.
#include "kernels/cuda/primitives/warpgroup.h"

#include "kernels/scalar.h"
#include "tests/simt/bugs/bugs.h"

namespace gradus::simt {

namespace {

constexpr unsigned pattern = 1024;          // bytes of eight rows of 64 elements
constexpr size_t tile_bytes = 8 * pattern;  // 64 rows, for A and for B

struct alignas(1024) Tile {
    bf16 elements[64 * 64];
};

// Zeroes the tile and makes it visible to all threads and, with `fence`, to wgmma.
__device__ void fill(Tile& tile, bool fence = true) {
    for (unsigned i = threadIdx.x; i < 64 * 64; i += blockDim.x) tile.elements[i] = bf16(0.f);
    if (fence) fence_async();
    __syncthreads();
}
__device__ MatrixDescriptor described(Tile& tile, unsigned stride = pattern) {
    return matrix_descriptor(tile.elements, 16, stride, Swizzle::bytes_128);
}

__global__ void no_warpgroup_fence(float* y, bool fixed) {
    SHARED(Tile, tile, );
    fill(tile);
    float d[32];
    if (fixed) wgmma_fence(d);
    wgmma(d, described(tile), described(tile), false);  // BUG no_warpgroup_fence
    wgmma_commit();
    wgmma_wait<0>(d);
    y[threadIdx.x] = d[0];
}

__global__ void loose_group(float* y, bool fixed) {
    SHARED(Tile, tile, );
    fill(tile);
    float d[32];
    wgmma_fence(d);
    wgmma(d, described(tile), described(tile), false);
    wgmma_commit();
    if (fixed) wgmma_wait<0>(d);
    else wgmma_wait<1>(d);  // BUG loose_group
    y[threadIdx.x] = d[0];
    wgmma_wait<0>();
}

__global__ void no_warpgroup_commit(float* y, bool fixed) {
    SHARED(Tile, tile, );
    fill(tile);
    float d[32];
    wgmma_fence(d);
    wgmma(d, described(tile), described(tile), false);  // BUG no_warpgroup_commit
    if (fixed) wgmma_commit();
    wgmma_wait<0>();
    y[threadIdx.x] = d[0];
}

__global__ void off_the_pattern(float* y, bool fixed) {
    SHARED(Tile, tile, );
    fill(tile);
    const auto b = matrix_descriptor(tile.elements + (fixed ? 0 : 64), 16, pattern / 8, Swizzle::bytes_128);
    float d[32];
    wgmma_fence(d);
    wgmma(d, described(tile), b, false);  // BUG off_the_pattern
    wgmma_commit();
    wgmma_wait<0>(d);
    y[threadIdx.x] = d[0];
}

__global__ void wrong_stride(float* y, bool fixed) {
    SHARED(Tile, tile, );
    fill(tile);
    float d[32];
    wgmma_fence(d);
    wgmma(d, described(tile), described(tile, fixed ? pattern : 2 * pattern), false);  // BUG wrong_stride
    wgmma_commit();
    wgmma_wait<0>(d);
    y[threadIdx.x] = d[0];
}

__global__ void tiles_of_their_own(float* y, bool fixed) {
    SHARED(Tile, tile, );
    fill(tile);
    const unsigned skipped = fixed ? 0 : threadIdx.x / 32 * 16;
    const auto a = matrix_descriptor(tile.elements + skipped, 16, pattern, Swizzle::bytes_128);
    float d[32];
    wgmma_fence(d);
    wgmma(d, a, described(tile), false);  // BUG tiles_of_their_own
    wgmma_commit();
    wgmma_wait<0>(d);
    y[threadIdx.x] = d[0];
}

__global__ void three_warps(float* y, bool fixed) {
    if (fixed || threadIdx.x < 96) wgmma_fence();  // BUG three_warps
    y[threadIdx.x] = 0;
}

// A block of 384 threads starts with 168 registers per thread.
__global__ void __launch_bounds__(384, 1) too_many_registers(float* y, bool fixed) {
    if (threadIdx.x >= 128) registers_raise<240>();  // BUG too_many_registers
    else if (fixed) registers_lower<24>();
    else registers_lower<32>();
    y[threadIdx.x] = 0;
}

__global__ void __launch_bounds__(384, 1) registers_never_given(float* y, bool fixed) {
    if (threadIdx.x >= 128) registers_raise<240>();  // BUG registers_never_given
    else if (fixed) registers_lower<24>();
    y[threadIdx.x] = 0;
}

__global__ void __launch_bounds__(384, 1) lower_to_more(float* y, bool fixed) {
    if (fixed) registers_lower<160>();
    else registers_lower<176>();  // BUG lower_to_more
    y[threadIdx.x] = 0;
}

__global__ void __launch_bounds__(384, 1) raise_to_fewer(float* y, bool fixed) {
    if (threadIdx.x < 128) registers_lower<24>();
    else if (threadIdx.x < 256) registers_raise<240>();
    else if (fixed) registers_raise<168>();
    else registers_raise<160>();  // BUG raise_to_fewer
    y[threadIdx.x] = 0;
}

__global__ void no_proxy_fence(float* y, bool fixed) {
    SHARED(Tile, tile, );
    fill(tile, fixed);
    float d[32];
    wgmma_fence(d);
    wgmma(d, described(tile), described(tile), false);  // BUG no_proxy_fence
    wgmma_commit();
    wgmma_wait<0>(d);
    y[threadIdx.x] = d[0];
}

// All threads write, and only the first warps fence.
__global__ void fence_of_some(float* y, bool fixed) {
    SHARED(Tile, tile, );
    for (unsigned i = threadIdx.x; i < 64 * 64; i += 128) tile.elements[i] = bf16(float(i % 3));  // BUG fence_of_some
    if (fixed || threadIdx.x < 64) fence_async();
    __syncthreads();
    float d[32];
    wgmma_fence(d);
    wgmma(d, described(tile), described(tile), false);
    wgmma_commit();
    wgmma_wait<0>(d);
    y[threadIdx.x] = d[0];
}

// A fence by one thread, after a barrier that orders the writes of all before it, is enough; before the barrier it is not.
__global__ void fence_before_the_barrier(float* y, bool fixed) {
    SHARED(Tile, tile, );
    for (unsigned i = threadIdx.x; i < 64 * 64; i += 128)
        tile.elements[i] = bf16(float(i % 3));  // BUG fence_before_the_barrier
    if (!fixed && threadIdx.x == 0) fence_async();
    __syncthreads();
    if (fixed && threadIdx.x == 0) fence_async();
    __syncthreads();
    if (threadIdx.x == 0) {
        bulk_store(y, &tile, sizeof(Tile));
        bulk_commit();
        bulk_wait<0>();
    }
}

// The tile is written twice, with a fence only the first time.
__global__ void one_proxy_fence(float* y, bool fixed) {
    SHARED(Tile, tile, );
    float d[32];
    for (float& sum : d) sum = 0;
    for (int round = 0; round < 2; ++round) {
        tile.elements[threadIdx.x] = bf16(float(round));
        for (unsigned i = 128 + threadIdx.x; i < 64 * 64; i += 128) tile.elements[i] = bf16(0.f);
        if (fixed || round == 0) fence_async();
        __syncthreads();
        wgmma_fence(d);
        wgmma(d, described(tile), described(tile));  // BUG one_proxy_fence
        wgmma_commit();
        wgmma_wait<0>(d);
        __syncthreads();
    }
    y[threadIdx.x] = d[0];
}

__global__ void factors_after_the_fence(float* y, bool fixed) {
    SHARED(Tile, tile, );
    fill(tile);
    float d[32];
    unsigned a[4] = {1, 2, 3, 4};
    if (!fixed) wgmma_fence(d);
    for (unsigned& pair : a) pair += threadIdx.x + 1;
    if (fixed) wgmma_fence(d);
    wgmma(d, a, described(tile), false);  // BUG factors_after_the_fence
    wgmma_commit();
    wgmma_wait<0>(d);
    y[threadIdx.x] = d[0];
}

__global__ void sums_after_the_fence(float* y, bool fixed) {
    SHARED(Tile, tile, );
    fill(tile);
    float d[32];
    for (float& sum : d) sum = y[threadIdx.x];
    if (!fixed) wgmma_fence(d);
    for (float& sum : d) sum += 1;
    if (fixed) wgmma_fence(d);
    wgmma(d, described(tile), described(tile));  // BUG sums_after_the_fence
    wgmma_commit();
    wgmma_wait<0>(d);
    y[threadIdx.x] = d[0];
}

// A warp outside the warpgroup overwrites the tile while the wgmma still reads it.
__global__ void tile_in_use(float* y, bool fixed) {
    SHARED(Tile, tile, );
    fill(tile);
    if (threadIdx.x < 128) {
        float d[32];
        wgmma_fence(d);
        wgmma(d, described(tile), described(tile), false);
        wgmma_commit();
        wgmma_wait<0>(d);
        y[threadIdx.x] = d[0];
        if (fixed) named_barrier_arrive(1, 160);
    } else {
        if (fixed) named_barrier_sync(1, 160);
        tile.elements[threadIdx.x] = bf16(1.f);  // BUG tile_in_use
    }
}

// Nothing waits for the bulk load of the tile.
__global__ void tile_not_loaded(float* y, const float* zeros, bool fixed) {
    SHARED(Tile, tile, );
    SHARED(MBarrier, full, );
    if (threadIdx.x == 0) {
        mbarrier_init(&full, 1);
        fence_mbarrier_init();
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        mbarrier_arrive_and_expect(&full, unsigned(tile_bytes));
        bulk_load(tile.elements, zeros, unsigned(tile_bytes), &full);
    }
    __syncthreads();
    if (fixed) mbarrier_wait(&full, 0);
    float d[32];
    wgmma_fence(d);
    wgmma(d, described(tile), described(tile), false);
    wgmma_commit();
    wgmma_wait<0>(d);  // BUG tile_not_loaded
    y[threadIdx.x] = d[0];
    mbarrier_wait(&full, 0);
}

}  // namespace

Bugs bugs_of_warpgroups() {
    const auto run = [](void (*kernel)(float*, bool), unsigned threads) {
        return [=](bool fixed) {
            DeviceArray<float> y(threads);
            launch(kernel, 1, threads, 0, {}, y, fixed);
            synchronise({});
        };
    };
    return {{"no_warpgroup_fence", run(no_warpgroup_fence, 128)},
            {"loose_group", run(loose_group, 128)},
            {"no_warpgroup_commit", run(no_warpgroup_commit, 128)},
            {"off_the_pattern", run(off_the_pattern, 128)},
            {"wrong_stride", run(wrong_stride, 128)},
            {"tiles_of_their_own", run(tiles_of_their_own, 128)},
            {"three_warps", run(three_warps, 128)},
            {"too_many_registers", run(too_many_registers, 384)},
            {"registers_never_given", run(registers_never_given, 384)},
            {"lower_to_more", run(lower_to_more, 384)},
            {"raise_to_fewer", run(raise_to_fewer, 384)},
            {"no_proxy_fence", run(no_proxy_fence, 128)},
            {"one_proxy_fence", run(one_proxy_fence, 128)},
            {"fence_of_some", run(fence_of_some, 128)},
            {"fence_before_the_barrier",
             [](bool fixed) {
                 DeviceArray<float> y(sizeof(Tile) / sizeof(float));
                 launch(fence_before_the_barrier, 1, 128, 0, {}, y, fixed);
                 synchronise({});
             }},
            {"factors_after_the_fence", run(factors_after_the_fence, 128)},
            {"sums_after_the_fence", run(sums_after_the_fence, 128)},
            {"tile_in_use", run(tile_in_use, 160)},
            {"tile_not_loaded", [](bool fixed) {
                 DeviceArray<float> y(128), zeros(tile_bytes / sizeof(float));
                 launch(tile_not_loaded, 1, 128, 0, {}, y, zeros, fixed);
                 synchronise({});
             }}};
}

}  // namespace gradus::simt
