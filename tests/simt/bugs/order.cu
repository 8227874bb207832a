// Races: two accesses that nothing orders, even if the values are right.
#include "tests/simt/bugs/bugs.h"

namespace gradus::simt {

namespace {

__global__ void no_barrier(float* y, bool fixed) {
    SHARED(float, tile, [64]);
    tile[threadIdx.x] = float(threadIdx.x);
    if (fixed) __syncthreads();
    y[threadIdx.x] = tile[63 - threadIdx.x];  // BUG no_barrier
}

// The same array is used for two sums: all threads must have read the first before the second is written.
__global__ void no_barrier_between_two_uses(float* y, bool fixed) {
    SHARED(float, tile, [64]);
    for (int round = 0; round < 2; ++round) {
        tile[threadIdx.x] = float(threadIdx.x);
        __syncthreads();
        y[threadIdx.x] += tile[63 - threadIdx.x];  // BUG no_barrier_between_two_uses
        if (fixed) __syncthreads();
    }
}

__global__ void no_warp_barrier(float* y, bool fixed) {
    SHARED(float, tile, [64]);
    tile[threadIdx.x] = float(threadIdx.x);
    __shfl_xor_sync(0xffffffffu, 1, 1);  // synchronises lanes but orders no memory
    if (fixed) __syncwarp();
    y[threadIdx.x] = tile[threadIdx.x ^ 1];  // BUG no_warp_barrier
}

__global__ void two_blocks(float* y, bool fixed) {
    if (threadIdx.x != 0) return;
    if (fixed) atomicAdd(y, 1.0f);
    else y[0] += 1;  // BUG two_blocks
}

// The last block adds up the values of all blocks. The thread that takes the ticket does so for its block, so it needs the
// fences: one after the barrier that follows its block's writes, and one before the barrier that its block's reads follow.
__global__ void no_fence(float* y, unsigned* tickets, bool fixed) {
    SHARED(bool, last, );
    y[blockIdx.x * blockDim.x + threadIdx.x] = 1;
    __syncthreads();
    if (threadIdx.x == 0) {
        if (fixed) __threadfence();
        last = atomicAdd(tickets, 1) == gridDim.x - 1;
        if (fixed) __threadfence();
    }
    __syncthreads();
    if (!last) return;
    float sum = 0;
    for (unsigned block = 0; block < gridDim.x; ++block) sum += y[block * blockDim.x + threadIdx.x];  // BUG no_fence
    y[gridDim.x * blockDim.x + threadIdx.x] = sum;
}

__global__ void narrow_fence(float* y, unsigned* tickets, bool fixed) {
    if (threadIdx.x != 0) return;
    y[blockIdx.x] = 1;
    fixed ? __threadfence() : __threadfence_block();
    const bool last = atomicAdd(tickets, 1) == gridDim.x - 1;
    fixed ? __threadfence() : __threadfence_block();
    if (last)
        for (unsigned block = 0; block < gridDim.x; ++block) y[gridDim.x] += y[block];  // BUG narrow_fence
}

__global__ void narrow_scope(float* y, unsigned* tickets, bool fixed) {
    if (threadIdx.x != 0) return;
    y[blockIdx.x] = 1;
    const unsigned before =
        fixed ? add_acquire_release<Scope::device>(tickets, 1) : add_acquire_release<Scope::block>(tickets, 1);
    if (before == gridDim.x - 1)
        for (unsigned block = 0; block < gridDim.x; ++block) y[gridDim.x] += y[block];  // BUG narrow_scope
}

__global__ void fill(float* y, float value) { y[threadIdx.x] = value; }

__global__ void add_up(const float* x, float* y) {
    y[threadIdx.x] = x[63 - threadIdx.x];  // BUG no_event
}

}  // namespace

Bugs bugs_of_order() {
    const auto run = [](void (*kernel)(float*, bool), unsigned blocks) {
        return [=](bool fixed) {
            DeviceArray<float> y(64);
            launch(kernel, blocks, 64, 0, {}, y, fixed);
            synchronise({});
        };
    };
    const auto run_with_tickets = [](void (*kernel)(float*, unsigned*, bool)) {
        return [=](bool fixed) {
            DeviceArray<float> y(5 * 32);
            DeviceArray<unsigned> tickets(1);
            launch(kernel, 4, 32, 0, {}, y, tickets, fixed);
            synchronise({});
        };
    };
    return {{"no_barrier", run(no_barrier, 1)},
            {"no_barrier_between_two_uses", run(no_barrier_between_two_uses, 1)},
            {"no_warp_barrier", run(no_warp_barrier, 1)},
            {"two_blocks", run(two_blocks, 4)},
            {"no_fence", run_with_tickets(no_fence)},
            {"narrow_fence", run_with_tickets(narrow_fence)},
            {"narrow_scope", run_with_tickets(narrow_scope)},
            {"no_event", [](bool fixed) {
                 DeviceArray<float> x(64), y(64);
                 const Stream first = make_stream(), second = make_stream();
                 const Event filled = make_event();
                 launch(fill, 1, 64, 0, first, x, 1.0f);
                 record(filled, first);
                 if (fixed) wait(second, filled);
                 launch(add_up, 1, 64, 0, second, x, y);
                 synchronise(first);
                 synchronise(second);
                 release_event(filled);
                 release_stream(first);
                 release_stream(second);
             }}};
}

}  // namespace gradus::simt
