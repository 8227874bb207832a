// Asynchronous copies and mbarriers: correct pipelines give the same result with early and late copies.
#include <catch2/catch.hpp>

#include "kernels/cuda/primitives/async_copy.h"
#include "tests/simt/every_order.h"

namespace gradus::simt {

namespace {

constexpr int threads = 32, per_thread = 4, tile = threads * per_thread, tiles = 6;

__global__ void write_numbers(float* x) {
    x[blockIdx.x * blockDim.x + threadIdx.x] = float(blockIdx.x * blockDim.x + threadIdx.x);
}

// Two stages of cp.async: one is summed while the next is loaded. Tile `absent` is not valid: zeros.
__global__ void two_stages(float* y, const float* x, int absent) {
    SHARED(float, stage, [2][tile]);
    const int mine = int(threadIdx.x) * per_thread;
    const auto fetch = [&](int t) {
        if (t < tiles) copy_async(stage[t % 2] + mine, x + t * tile + mine, t != absent);
        copy_async_commit();
    };
    fetch(0);
    float sum = 0;
    for (int t = 0; t < tiles; ++t) {
        fetch(t + 1);
        copy_async_wait<1>();
        __syncthreads();
        for (int i = 0; i < per_thread; ++i) sum += stage[t % 2][tile - 1 - mine - i];
        __syncthreads();
    }
    y[threadIdx.x] = sum;
}

// One warp bulk-loads tiles, another sums them: two stages, each with a full and an empty mbarrier.
__global__ void bulk_pipeline(float* y, const float* x, int) {
    SHARED(float, stage, [2][tile]);
    SHARED(MBarrier, full, [2]);
    SHARED(MBarrier, empty, [2]);
    if (threadIdx.x == 0) {
        for (int s = 0; s < 2; ++s) {
            mbarrier_init(&full[s], 1);
            mbarrier_init(&empty[s], threads);
        }
        fence_mbarrier_init();
    }
    __syncthreads();
    if (threadIdx.x >= threads) {
        if (threadIdx.x != threads) return;
        for (int t = 0; t < tiles; ++t) {
            const int s = t % 2, turn = t / 2;
            if (turn > 0) mbarrier_wait(&empty[s], unsigned(turn + 1) % 2);
            mbarrier_arrive_and_expect(&full[s], sizeof stage[s]);
            bulk_load(stage[s], x + t * tile, sizeof stage[s] / 2, &full[s]);
            bulk_load(stage[s] + tile / 2, x + t * tile + tile / 2, sizeof stage[s] / 2, &full[s]);
        }
        return;
    }
    float sum = 0;
    for (int t = 0; t < tiles; ++t) {
        const int s = t % 2, turn = t / 2;
        mbarrier_wait(&full[s], unsigned(turn) % 2);
        for (int i = 0; i < per_thread; ++i) sum += stage[s][tile - 1 - int(threadIdx.x) * per_thread - i];
        mbarrier_arrive(&empty[s]);
    }
    y[threadIdx.x] = sum;
}

// Bulk stores of tiles; a stage is overwritten after its store has read it.
__global__ void bulk_stores(float* y, const float* x, int) {
    SHARED(float, stage, [2][tile]);
    const int i = int(threadIdx.x);
    for (int t = 0; t < tiles; ++t) {
        if (i == 0) bulk_wait_read<1>();
        __syncthreads();
        stage[t % 2][i] = 2 * x[t * tile + i];
        fence_async();
        __syncthreads();
        if (i == 0) {
            bulk_store(y + t * tile, stage[t % 2], sizeof stage[0]);
            bulk_commit();
        }
    }
    if (i == 0) bulk_wait<0>();
}

std::vector<float> of_numbers(void (*kernel)(float*, const float*, int), unsigned block, size_t count, int argument) {
    auto* x = static_cast<float*>(allocate(tiles * tile * sizeof(float)));
    launch(write_numbers, tiles, tile, 0, {}, x);
    const auto y = result_of<float>(kernel, 1, block, count, x, argument);
    release(x, tiles * tile * sizeof(float));
    return y;
}

float sum_of(int thread, int absent) {
    float sum = 0;
    for (int t = 0; t < tiles; ++t)
        for (int i = 0; i < per_thread && t != absent; ++i) sum += float(t * tile + tile - 1 - thread * per_thread - i);
    return sum;
}

}  // namespace

TEST_CASE("a pipeline of cp.async gives the same sums early and late, and zeros for invalid tiles") {
    in_every_order([] {
        const auto y = of_numbers(two_stages, threads, threads, 4);
        for (int i = 0; i < threads; ++i) REQUIRE(y[size_t(i)] == sum_of(i, 4));
    });
}

TEST_CASE("a pipeline of bulk loads and mbarriers gives the same sums early and late") {
    in_every_order([] {
        const auto y = of_numbers(bulk_pipeline, 2 * threads, threads, 0);
        for (int i = 0; i < threads; ++i) REQUIRE(y[size_t(i)] == sum_of(i, -1));
    });
}

TEST_CASE("bulk stores write the contents of shared memory at issue") {
    in_every_order([] {
        const auto y = of_numbers(bulk_stores, tile, tiles * tile, 0);
        for (int i = 0; i < tiles * tile; ++i) REQUIRE(y[size_t(i)] == 2.0f * float(i));
    });
}

}  // namespace gradus::simt
