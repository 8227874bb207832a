// Bugs with barriers of a block and mbarriers.
#include "tests/simt/bugs/bugs.h"

namespace gradus::simt {

namespace {

__global__ void two_barriers(bool fixed) {
    if (fixed || threadIdx.x < 32) __syncthreads();
    else __syncthreads();  // BUG two_barriers
}

__global__ void too_few_for_a_named_barrier(bool fixed) {
    if (threadIdx.x >= 32 && !fixed) return;
    named_barrier_sync(1, 64);  // BUG early_exit
}

__global__ void unequal_barriers(bool fixed) {
    __syncthreads();
    if (fixed || threadIdx.x < 32) named_barrier_sync(2, fixed ? 64 : 32);
    if (!fixed && threadIdx.x == 40) __syncwarp();  // BUG unequal_barriers
    __syncthreads();
}

__global__ void two_counts(bool fixed) {
    named_barrier_sync(3, fixed || threadIdx.x < 32 ? 64 : 32);  // BUG two_counts
}

// The phase cannot end, because its bytes never arrive.
__global__ void too_many_arrivals(bool fixed) {
    SHARED(MBarrier, ready, );
    if (threadIdx.x == 0) {
        mbarrier_init(&ready, fixed ? 64 : 32);
        mbarrier_arrive_and_expect(&ready, 16);
    }
    __syncthreads();
    if (threadIdx.x != 0) mbarrier_arrive(&ready);  // BUG too_many_arrivals
}

__global__ void no_init(bool fixed) {
    SHARED(MBarrier, ready, );
    if (fixed && threadIdx.x == 0) mbarrier_init(&ready, blockDim.x);
    __syncthreads();
    mbarrier_arrive(&ready);  // BUG no_init
    mbarrier_wait(&ready, 0);
}

__global__ void wrong_parity(bool fixed) {
    SHARED(MBarrier, ready, );
    if (threadIdx.x == 0) mbarrier_init(&ready, blockDim.x);
    __syncthreads();
    mbarrier_arrive(&ready);
    mbarrier_wait(&ready, 0);
    if (fixed) mbarrier_arrive(&ready);
    mbarrier_wait(&ready, 1);  // BUG wrong_parity
}

__global__ void blocks_that_wait(unsigned* flag, bool fixed) {
    const unsigned first = fixed ? 0 : 1;  // this block sets the flag, the other waits
    if (threadIdx.x != 0) return;
    if (blockIdx.x == first) store_release<Scope::device>(flag, 1);
    if (fixed) return;
    if (blockIdx.x != first)
        while (load_acquire<Scope::device>(flag) == 0) {}  // BUG blocks_that_wait
}

}  // namespace

Bugs bugs_of_barriers() {
    const auto run = [](void (*kernel)(bool)) {
        return [kernel](bool fixed) {
            launch(kernel, 1, 64, 0, {}, fixed);
            synchronise({});
        };
    };
    return {{"two_barriers", run(two_barriers)},
            {"early_exit", run(too_few_for_a_named_barrier)},
            {"unequal_barriers", run(unequal_barriers)},
            {"two_counts", run(two_counts)},
            {"too_many_arrivals", run(too_many_arrivals)},
            {"no_init", run(no_init)},
            {"wrong_parity", run(wrong_parity)},
            {"blocks_that_wait", [](bool fixed) {
                 DeviceArray<unsigned> flag(1);
                 launch(blocks_that_wait, 2, 64, 0, {}, flag, fixed);
                 synchronise({});
             }}};
}

}  // namespace gradus::simt
