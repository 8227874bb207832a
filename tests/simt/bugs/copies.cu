// Bugs with asynchronous copies.
#include "tests/simt/bugs/bugs.h"

namespace gradus::simt {

namespace {

constexpr int per_thread = 4;

__global__ void no_wait(const float* x, float* y, bool fixed) {
    SHARED(float, tile, [64 * per_thread]);
    const int mine = int(threadIdx.x) * per_thread;
    copy_async(tile + mine, x + mine);
    copy_async_commit();
    if (fixed) copy_async_wait<0>();
    y[mine] = tile[mine];  // BUG no_wait
}

__global__ void loose_wait(const float* x, float* y, bool fixed) {
    SHARED(float, tile, [2][64 * per_thread]);
    const int mine = int(threadIdx.x) * per_thread;
    for (int stage = 0; stage < 2; ++stage) {
        copy_async(tile[stage] + mine, x + mine);
        copy_async_commit();
    }
    fixed ? copy_async_wait<0>() : copy_async_wait<1>();
    y[mine] = tile[1][mine];  // BUG loose_wait
}

// The wait covers only the thread's own copies; those of other threads need a barrier.
__global__ void no_barrier_after_the_wait(const float* x, float* y, bool fixed) {
    SHARED(float, tile, [64 * per_thread]);
    const int mine = int(threadIdx.x) * per_thread, other = int(threadIdx.x ^ 1) * per_thread;
    copy_async(tile + mine, x + mine);
    copy_async_commit();
    copy_async_wait<0>();
    if (fixed) __syncthreads();
    y[mine] = tile[other];  // BUG no_barrier_after_the_wait
}

// The copy may write as soon as it is issued, though a barrier follows before the wait.
__global__ void no_barrier_before_the_copy(const float* x, float* y, bool fixed) {
    SHARED(float, tile, [64 * per_thread]);
    const int mine = int(threadIdx.x) * per_thread, other = int(threadIdx.x ^ 1) * per_thread;
    tile[mine] = x[mine];
    __syncthreads();
    y[mine] = tile[other];  // BUG no_barrier_before_the_copy
    if (fixed) __syncthreads();
    copy_async(tile + mine, x + mine);
    copy_async_commit();
    __syncthreads();
    copy_async_wait<0>();
}

__global__ void misaligned_copy(const float* x, float* y, bool fixed) {
    SHARED(float, tile, [8]);
    if (threadIdx.x != 0) return;
    copy_async(tile, x + (fixed ? 4 : 1));  // BUG misaligned_copy
    copy_async_commit();
    copy_async_wait<0>();
    y[0] = tile[0];
}

__global__ void no_wait_for_the_phase(const float* x, float* y, bool fixed) {
    SHARED(float, tile, [64]);
    SHARED(MBarrier, landed, );
    if (threadIdx.x == 0) {
        mbarrier_init(&landed, 1);
        bulk_load(tile, x, sizeof tile, &landed);
        mbarrier_arrive_and_expect(&landed, sizeof tile);
    }
    __syncthreads();
    if (fixed) mbarrier_wait(&landed, 0);
    y[threadIdx.x] = tile[threadIdx.x];  // BUG no_wait_for_the_phase
    mbarrier_wait(&landed, 0);
}

__global__ void too_many_bytes_expected(const float* x, float* y, bool fixed) {
    SHARED(float, tile, [64]);
    SHARED(MBarrier, landed, );
    if (threadIdx.x == 0) {
        mbarrier_init(&landed, 1);
        mbarrier_arrive_and_expect(&landed, sizeof tile);
        bulk_load(tile, x, fixed ? sizeof tile : sizeof tile / 2, &landed);
    }
    __syncthreads();
    mbarrier_wait(&landed, 0);  // BUG too_many_bytes_expected
    y[threadIdx.x] = tile[threadIdx.x];
}

__global__ void exit_in_flight(const float* x, float* y, bool fixed) {
    SHARED(float, tile, [64]);
    SHARED(MBarrier, landed, );
    if (threadIdx.x != 0) return;
    mbarrier_init(&landed, 1);
    mbarrier_arrive_and_expect(&landed, sizeof tile);
    bulk_load(tile, x, sizeof tile, &landed);  // BUG exit_in_flight
    if (fixed) mbarrier_wait(&landed, 0);
    y[0] = 1;
}

__global__ void no_fence_before_the_store(const float* x, float* y, bool fixed) {
    SHARED(float, tile, [64]);
    tile[threadIdx.x] = x[threadIdx.x] + 1;
    if (fixed) fence_async();
    __syncthreads();
    if (threadIdx.x != 0) return;
    bulk_store(y, tile, sizeof tile);  // BUG no_fence_before_the_store
    bulk_commit();
    bulk_wait_read<0>();
}

__global__ void written_before_the_store_has_read(const float* x, float* y, bool fixed) {
    SHARED(float, tile, [64]);
    tile[threadIdx.x] = x[threadIdx.x] + 1;
    fence_async();
    __syncthreads();
    if (threadIdx.x == 0) {
        bulk_store(y, tile, sizeof tile);  // BUG written_before_the_store_has_read
        bulk_commit();
        if (fixed) bulk_wait_read<0>();
    }
    __syncthreads();
    tile[threadIdx.x] = 7;
    __syncthreads();
    if (threadIdx.x == 0) bulk_wait_read<0>();
}

__global__ void exit_before_the_store_has_read(const float* x, float* y, bool fixed) {
    SHARED(float, tile, [64]);
    tile[threadIdx.x] = x[threadIdx.x];
    fence_async();
    __syncthreads();
    if (threadIdx.x != 0) return;
    bulk_store(y, tile, sizeof tile);  // BUG exit_before_the_store_has_read
    bulk_commit();
    if (fixed) bulk_wait_read<0>();
}

}  // namespace

Bugs bugs_of_copies() {
    const auto run = [](void (*kernel)(const float*, float*, bool)) {
        return [=](bool fixed) {
            DeviceArray<float> x(256), y(256);
            launch(kernel, 1, 64, 0, {}, x, y, fixed);
            synchronise({});
        };
    };
    return {{"no_wait", run(no_wait)},
            {"loose_wait", run(loose_wait)},
            {"no_barrier_after_the_wait", run(no_barrier_after_the_wait)},
            {"no_barrier_before_the_copy", run(no_barrier_before_the_copy)},
            {"misaligned_copy", run(misaligned_copy)},
            {"no_wait_for_the_phase", run(no_wait_for_the_phase)},
            {"too_many_bytes_expected", run(too_many_bytes_expected)},
            {"exit_in_flight", run(exit_in_flight)},
            {"no_fence_before_the_store", run(no_fence_before_the_store)},
            {"written_before_the_store_has_read", run(written_before_the_store_has_read)},
            {"exit_before_the_store_has_read", run(exit_before_the_store_has_read)}};
}

}  // namespace gradus::simt
