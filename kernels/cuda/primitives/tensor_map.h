#pragma once
// Tensor maps (sm_90): copies of boxes of a tensor with up to five dimensions, issued by one thread.
//
// On the host, tensor_map(description) makes a map. It reaches the kernel as a parameter
//     const __grid_constant__ TensorMap map
// and must not be copied in the kernel. In the kernel, with `at` the coordinates of the box's first element, dimension 0 first:
//
//   tensor_load(shared, map, {c, t}, mbarrier)   completes in the mbarrier's phase, which must expect the bytes of a whole box.
//                                                Elements outside the tensor are zeros
//   tensor_store(map, {c, t}, shared)            elements outside the tensor are not written
//   tensor_add(map, {c, t}, shared)              f32: adds to the tensor, in any order: atomic, and its last bits vary
//   bulk_add(global, shared, bytes)              the same for an array of floats (bulk_store in async_copy.h)
//   tensor_prefetch(map)                         the map itself, not data
//
// Stores and additions are in groups, as bulk_store: bulk_commit, bulk_wait. Threads that wrote the shared memory call
// fence_async() before the barrier that precedes the copy.
//
// In shared memory the box is dense, dimension 0 first, and swizzled (swizzle.h); it starts at a multiple of 128 bytes, and of
// 8 W with a swizzle.
//
// Source: CUDA Driver API, cuTensorMapEncodeTiled; PTX ISA, "cp.async.bulk.tensor", "cp.reduce.async.bulk".
#include "kernels/cuda/primitives/async_copy.h"
#include "kernels/cuda/primitives/swizzle.h"
#include "kernels/cuda/primitives/tensor_box.h"

#ifndef __CUDACC__
#include "kernels/simt/primitives/tensor_map.h"
#else
#include <cuda.h>

namespace gradus::cuda {

using TensorMap = CUtensorMap;

// Error: the driver lacks tensor maps. CHECKs that the description has no problem.
TensorMap tensor_map(const TensorBox& description);  // host/tensor_map.cu

#define GRADUS_TENSOR_COPY(instruction, after, ...)                                                                   \
    static_assert(compiled_for >= 90, "tensor maps need sm_90: compile this kernel for it alone");                    \
    static_assert(rank >= 1 && rank <= 5, "one to five dimensions");                                                  \
    if constexpr (rank == 1) GRADUS_TENSOR_ASM(instruction(1), "{%3}", after, __VA_ARGS__, "r"(at[0]));               \
    else if constexpr (rank == 2)                                                                                     \
        GRADUS_TENSOR_ASM(instruction(2), "{%3, %4}", after, __VA_ARGS__, "r"(at[0]), "r"(at[1]));                    \
    else if constexpr (rank == 3)                                                                                     \
        GRADUS_TENSOR_ASM(instruction(3), "{%3, %4, %5}", after, __VA_ARGS__, "r"(at[0]), "r"(at[1]), "r"(at[2]));    \
    else if constexpr (rank == 4)                                                                                     \
        GRADUS_TENSOR_ASM(instruction(4), "{%3, %4, %5, %6}", after, __VA_ARGS__, "r"(at[0]), "r"(at[1]), "r"(at[2]), \
                          "r"(at[3]));                                                                                \
    else                                                                                                              \
        GRADUS_TENSOR_ASM(instruction(5), "{%3, %4, %5, %6, %7}", after, __VA_ARGS__, "r"(at[0]), "r"(at[1]),         \
                          "r"(at[2]), "r"(at[3]), "r"(at[4]))
#define GRADUS_TENSOR_ASM(text, coordinates, after, ...) asm volatile(text after(coordinates)::__VA_ARGS__ : "memory")
// Operands: %0 shared memory, %1 the map, %2 the mbarrier (unused by stores).
#define GRADUS_LOAD(rank) "cp.async.bulk.tensor." #rank "d.shared::cluster.global.tile.mbarrier::complete_tx::bytes "
#define GRADUS_LOADED(coordinates) "[%0], [%1, " coordinates "], [%2];"
#define GRADUS_STORE(rank) "cp.async.bulk.tensor." #rank "d.global.shared::cta.tile.bulk_group "
#define GRADUS_ADD(rank) "cp.reduce.async.bulk.tensor." #rank "d.global.shared::cta.add.tile.bulk_group "
#define GRADUS_STORED(coordinates) "[%1, " coordinates "], [%0];"

template <int compiled_for = architecture, int rank>
__device__ __forceinline__ void tensor_load(void* shared, const TensorMap& map, const int (&at)[rank],
                                            MBarrier* barrier) {
    GRADUS_TENSOR_COPY(GRADUS_LOAD, GRADUS_LOADED, "r"(shared_address(shared)), "l"(&map),
                       "r"(shared_address(barrier)));
}

template <int compiled_for = architecture, int rank>
__device__ __forceinline__ void tensor_store(const TensorMap& map, const int (&at)[rank], const void* shared) {
    GRADUS_TENSOR_COPY(GRADUS_STORE, GRADUS_STORED, "r"(shared_address(shared)), "l"(&map), "r"(0));
}

template <int compiled_for = architecture, int rank>
__device__ __forceinline__ void tensor_add(const TensorMap& map, const int (&at)[rank], const void* shared) {
    GRADUS_TENSOR_COPY(GRADUS_ADD, GRADUS_STORED, "r"(shared_address(shared)), "l"(&map), "r"(0));
}

#undef GRADUS_TENSOR_COPY
#undef GRADUS_TENSOR_ASM
#undef GRADUS_LOAD
#undef GRADUS_LOADED
#undef GRADUS_STORE
#undef GRADUS_ADD
#undef GRADUS_STORED

template <int compiled_for = architecture>
__device__ __forceinline__ void bulk_add(float* global, const float* shared, unsigned bytes) {
    static_assert(compiled_for >= 90, "bulk copies need sm_90: compile this kernel for it alone");
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32 [%0], [%1], %2;" ::"l"(global),
                 "r"(shared_address(shared)), "r"(bytes)
                 : "memory");
}

template <int compiled_for = architecture>
__device__ __forceinline__ void tensor_prefetch(const TensorMap& map) {
    static_assert(compiled_for >= 90, "tensor maps need sm_90: compile this kernel for it alone");
    asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
}

}  // namespace gradus::cuda
#endif
