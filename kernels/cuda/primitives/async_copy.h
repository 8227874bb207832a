#pragma once
// Asynchronous copies.
//
// Sixteen bytes per thread (cp.async, sm_80). Shared and global address are multiples of 16:
//   copy_async(shared, global, valid)   starts a copy; !valid: writes zeros and reads nothing
//   copy_async_part(shared, global, bytes)
//                                       reads the first `bytes`, 0 to 16, and writes zeros after them
//   copy_async_word(shared, global, valid)   the same for 4 bytes
//   copy_async_commit()                 makes a group of the copies since the last commit
//   copy_async_wait<n>()                waits until at most the n latest groups of this thread are in flight. The completed copies
//                                       are then visible to this thread; to others after a barrier
//
// Any multiple of 16 bytes, issued by one thread (cp.async.bulk, sm_90):
//   bulk_load(shared, global, bytes, mbarrier)    completes in the mbarrier's phase, which must expect the bytes
//   bulk_store(global, shared, bytes)             after fence_async() and a barrier, if threads wrote the shared memory
//   bulk_commit(); bulk_wait<n>()                 groups as above; bulk_wait_read<n>(): waits only for reads of shared memory
//   fence_async()                                 between ordinary accesses to shared memory and bulk copies of it
//
// Source: PTX ISA, "Data Movement and Conversion Instructions: Asynchronous copy".
#include "kernels/cuda/primitives/barrier.h"

#ifndef __CUDACC__
#include "kernels/simt/primitives/async_copy.h"
#else

namespace gradus::cuda {

__device__ __forceinline__ void copy_async_part(void* shared, const void* global, int bytes) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(bytes)
                 : "memory");
}

__device__ __forceinline__ void copy_async(void* shared, const void* global, bool valid = true) {
    copy_async_part(shared, global, valid ? 16 : 0);
}

__device__ __forceinline__ void copy_async_word(void* shared, const void* global, bool valid = true) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(shared)), "l"(global),
                 "r"(valid ? 4 : 0)
                 : "memory");
}

__device__ __forceinline__ void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

template <int groups_left>
__device__ __forceinline__ void copy_async_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(groups_left) : "memory");
}

template <int compiled_for = architecture>
__device__ __forceinline__ void bulk_load(void* shared, const void* global, unsigned bytes, MBarrier* barrier) {
    static_assert(compiled_for >= 90, "bulk copies need sm_90: compile this kernel for it alone");
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                     shared_address(shared)),
                 "l"(global), "r"(bytes), "r"(shared_address(barrier))
                 : "memory");
}

template <int compiled_for = architecture>
__device__ __forceinline__ void bulk_store(void* global, const void* shared, unsigned bytes) {
    static_assert(compiled_for >= 90, "bulk copies need sm_90: compile this kernel for it alone");
    asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(global),
                 "r"(shared_address(shared)), "r"(bytes)
                 : "memory");
}

template <int compiled_for = architecture>
__device__ __forceinline__ void bulk_commit() {
    static_assert(compiled_for >= 90, "bulk copies need sm_90: compile this kernel for it alone");
    asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}

template <int groups_left, int compiled_for = architecture>
__device__ __forceinline__ void bulk_wait() {
    static_assert(compiled_for >= 90, "bulk copies need sm_90: compile this kernel for it alone");
    asm volatile("cp.async.bulk.wait_group %0;" ::"n"(groups_left) : "memory");
}

template <int groups_left, int compiled_for = architecture>
__device__ __forceinline__ void bulk_wait_read() {
    static_assert(compiled_for >= 90, "bulk copies need sm_90: compile this kernel for it alone");
    asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(groups_left) : "memory");
}

template <int compiled_for = architecture>
__device__ __forceinline__ void fence_async() {
    static_assert(compiled_for >= 90, "bulk copies need sm_90: compile this kernel for it alone");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

}  // namespace gradus::cuda
#endif
