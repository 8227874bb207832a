#pragma once
// Barriers that CUDA C++ lacks.
//
//   named_barrier_sync(id, threads)     waits until `threads` threads of the block have arrived at barrier `id` (1 to 15)
//   named_barrier_arrive(id, threads)   arrives without waiting
//       both by whole warps; `threads` is a multiple of 32 and the same in all calls (PTX: barrier.sync, barrier.arrive)
//
//   MBarrier in shared memory counts arrivals and bytes, phase after phase:
//   mbarrier_init(b, count)             by one thread; others may use it after fence_mbarrier_init() and __syncthreads()
//   mbarrier_arrive(b)                  one of the `count` arrivals of a phase
//   mbarrier_arrive_and_expect(b, n)    the same, and n more bytes must arrive before the phase ends (sm_90)
//   mbarrier_wait(b, parity)            waits for the end of the phase of this parity: 0 for the first, 1 for the second, 0, …
//
// Accesses of a thread before it arrives, and the bytes of the phase's copies, are visible after the wait.
// Source: PTX ISA, "Parallel Synchronization and Communication Instructions".
#include "kernels/cuda/primitives/device.h"

namespace gradus::DEVICE {

struct alignas(8) MBarrier {
    unsigned long long state;
};

}  // namespace gradus::DEVICE

#ifndef __CUDACC__
#include "kernels/simt/primitives/barrier.h"
#else

namespace gradus::cuda {

__device__ __forceinline__ void named_barrier_sync(int id, int threads) {
    asm volatile("barrier.sync.aligned %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

__device__ __forceinline__ void named_barrier_arrive(int id, int threads) {
    asm volatile("barrier.arrive.aligned %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

__device__ __forceinline__ void mbarrier_init(MBarrier* barrier, unsigned count) {
    asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(count) : "memory");
}

__device__ __forceinline__ void fence_mbarrier_init() {
    if constexpr (architecture >= 90) asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

__device__ __forceinline__ void mbarrier_arrive(MBarrier* barrier) {
    asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.shared.b64 state, [%0];\n}" ::"r"(shared_address(barrier))
                 : "memory");
}

template <int compiled_for = architecture>
__device__ __forceinline__ void mbarrier_arrive_and_expect(MBarrier* barrier, unsigned bytes) {
    static_assert(compiled_for >= 90, "bytes of an mbarrier need sm_90: compile this kernel for it alone");
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes)
                 : "memory");
}

// On sm_90 try_wait may suspend the thread; older GPUs spin on test_wait.
__device__ __forceinline__ void mbarrier_wait(MBarrier* barrier, unsigned parity) {
    const unsigned address = shared_address(barrier);
    unsigned done = 0;
    while (!done) {
        if constexpr (architecture >= 90)
            asm volatile(
                "{\n.reg .pred over;\nmbarrier.try_wait.parity.shared::cta.b64 over, [%1], %2;\nselp.u32 %0, 1, 0, "
                "over;\n}"
                : "=r"(done)
                : "r"(address), "r"(parity)
                : "memory");
        else
            asm volatile(
                "{\n.reg .pred over;\nmbarrier.test_wait.parity.shared.b64 over, [%1], %2;\nselp.u32 %0, 1, 0, over;\n}"
                : "=r"(done)
                : "r"(address), "r"(parity)
                : "memory");
    }
}

}  // namespace gradus::cuda
#endif
