#pragma once
// Tensor cores of sm_90a: a warpgroup, four warps of a block, multiplies bf16 tiles in shared memory, asynchronously.
//
// All 128 threads must call each of these together:
//   wgmma_fence(d)                before the first wgmma and after a wait: makes writes of threads to the registers of D and A
//                                     visible to wgmma
//   wgmma(d, a, b, accumulate)
//                                     starts D (64 by N, f32) += A (64 by 16) · B (16 by N), or D = A · B. Products are exact,
//                                     sums in f32. N is twice the length of d: 64, 128 or 256
//   wgmma_commit()                makes a group of the wgmmas since the last commit
//   wgmma_wait<n>(d)              waits until at most the n latest groups are in flight
//   registers_lower<n>(), registers_raise<n>()
//                                     setmaxnreg: changes to n registers per thread, a multiple of 8 from 24 to 256. An increase
//                                     takes registers that other warpgroups released: the block's total stays within its total at
//                                     the start. The kernel needs __launch_bounds__(threads, blocks); a thread starts with
//                                     65536 / threads / blocks registers, rounded down to a multiple of 8. With 384 threads it
//                                     starts with 168: 24, 240 and 240 are possible, 32, 240 and 240 wait forever. lower: to at
//                                     most the start's count; raise: to at least that
//
// From its start to its wait, a wgmma uses D, A's registers and both tiles: threads must not touch them. The argument d of a fence
// or a wait orders the compiler's accesses to D; it may be omitted if D is not written before or read after. Threads that write a
// tile call fence_async() before the barrier that follows the writes.
//
// B, and A unless it is in registers, is a tile: matrix_descriptor(start, leading, stride, swizzle), strides in bytes. W is the
// width of the swizzle in bytes: 128, 64, 32, or 16 without a swizzle. The byte offset of row i (of m or n) and column k is
//   Major::k     i % 8 · W + i / 8 · stride + k · 2                         W = 16: … + k / 8 · leading + k % 8 · 2
//   Major::mn    k % 8 · W + k / 8 · stride + i / (W/2) · leading + i % (W/2) · 2
//                                                          W = 16: k % 8 · 16 + k / 8 · leading + i / 8 · stride + i % 8 · 2
// The swizzle then changes the whole address: bits 4–6 ^= bits 7–9 (W = 128), bits 4–5 ^= bits 7–8 (64), bit 4 ^= bit 7 (32). So a
// tile must start at a multiple of 8 W. With Major::k the next 16 of k start 32 bytes further.
//
// With t = threadIdx.x % 128, r = t / 32 · 16 + t % 32 / 4 and c = t % 4 · 2, a thread holds
//   d[4n], d[4n+1] = D[r][8n + c], D[r][8n + c + 1]      d[4n+2], d[4n+3] = D[r+8][8n + c], D[r+8][8n + c + 1]
//   a[0] = A[r][c, c+1]   a[1] = A[r+8][c, c+1]   a[2] = A[r][c+8, c+9]   a[3] = A[r+8][c+8, c+9]
//
// Source: PTX ISA, "Asynchronous Warpgroup Level Matrix Instructions", "setmaxnreg"; CUTLASS, cute/arch/mma_sm90_desc.hpp.
#include "kernels/cuda/primitives/async_copy.h"
#include "kernels/cuda/primitives/swizzle.h"

namespace gradus::DEVICE {

enum class Major { k = 0, mn = 1 };  // the dimension along which elements are contiguous

struct MatrixDescriptor {
    uint64_t bits;
};

}  // namespace gradus::DEVICE

#ifndef __CUDACC__
#include "kernels/simt/primitives/warpgroup.h"
#else

namespace gradus::cuda {

// Whether this compiler pass is for sm_90a. True in the host pass, so that no static_assert fails there.
#if defined(__CUDA_ARCH__) && !defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr bool has_warpgroups = false;
#else
constexpr bool has_warpgroups = true;
#endif

__device__ __forceinline__ MatrixDescriptor matrix_descriptor(const void* start, unsigned leading_bytes,
                                                              unsigned stride_bytes, Swizzle swizzle) {
    const auto field = [](unsigned bytes) { return uint64_t((bytes & 0x3ffff) >> 4); };
    return {field(shared_address(start)) | field(leading_bytes) << 16 | field(stride_bytes) << 32 |
            uint64_t(swizzle) << 62};
}

// A compiler barrier: uses of d are not moved across it.
template <int count>
__device__ __forceinline__ void stay(float (&d)[count]) {
#pragma unroll
    for (int i = 0; i < count; ++i) asm volatile("" : "+f"(d[i])::"memory");
}

template <bool compiled_for = has_warpgroups>
__device__ __forceinline__ void wgmma_fence() {
    static_assert(compiled_for, "warpgroups multiply on sm_90a: compile this kernel for it alone");
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
template <int count>
__device__ __forceinline__ void wgmma_fence(float (&d)[count]) {
    stay(d);
    wgmma_fence();
}

template <bool compiled_for = has_warpgroups>
__device__ __forceinline__ void wgmma_commit() {
    static_assert(compiled_for, "warpgroups multiply on sm_90a: compile this kernel for it alone");
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

template <int groups_left, bool compiled_for = has_warpgroups>
__device__ __forceinline__ void wgmma_wait() {
    static_assert(compiled_for, "warpgroups multiply on sm_90a: compile this kernel for it alone");
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(groups_left) : "memory");
}
template <int groups_left, int count>
__device__ __forceinline__ void wgmma_wait(float (&d)[count]) {
    wgmma_wait<groups_left>();
    stay(d);
}

template <int count, bool compiled_for = has_warpgroups>
__device__ __forceinline__ void registers_lower() {
    static_assert(compiled_for, "warpgroups have registers of their own on sm_90a: compile this kernel for it alone");
    static_assert(count >= 24 && count <= 256 && count % 8 == 0, "a multiple of 8 from 24 to 256");
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(count));
}
template <int count, bool compiled_for = has_warpgroups>
__device__ __forceinline__ void registers_raise() {
    static_assert(compiled_for, "warpgroups have registers of their own on sm_90a: compile this kernel for it alone");
    static_assert(count >= 24 && count <= 256 && count % 8 == 0, "a multiple of 8 from 24 to 256");
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(count));
}

// The instruction lists every register: "%0, %1, …" and their operands, ten and eight at a time.
// clang-format off
#define GRADUS_NAMES_10(tens) \
    "%" #tens "0, %" #tens "1, %" #tens "2, %" #tens "3, %" #tens "4, %" #tens "5, %" #tens "6, %" #tens "7, %" #tens "8, %" #tens "9, "
#define GRADUS_NAMES_30 GRADUS_NAMES_10() GRADUS_NAMES_10(1) GRADUS_NAMES_10(2)
#define GRADUS_NAMES_60 GRADUS_NAMES_30 GRADUS_NAMES_10(3) GRADUS_NAMES_10(4) GRADUS_NAMES_10(5)
#define GRADUS_NAMES_120 \
    GRADUS_NAMES_60 GRADUS_NAMES_10(6) GRADUS_NAMES_10(7) GRADUS_NAMES_10(8) \
    GRADUS_NAMES_10(9) GRADUS_NAMES_10(10) GRADUS_NAMES_10(11)
#define GRADUS_NAMES_32 GRADUS_NAMES_30 "%30, %31"
#define GRADUS_NAMES_64 GRADUS_NAMES_60 "%60, %61, %62, %63"
#define GRADUS_NAMES_128 GRADUS_NAMES_120 "%120, %121, %122, %123, %124, %125, %126, %127"
#define GRADUS_SUMS_8(i) \
    "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define GRADUS_SUMS_32(i) GRADUS_SUMS_8(i), GRADUS_SUMS_8(i + 8), GRADUS_SUMS_8(i + 16), GRADUS_SUMS_8(i + 24)
#define GRADUS_SUMS_64(i) GRADUS_SUMS_32(i), GRADUS_SUMS_32(i + 32)
#define GRADUS_SUMS_128(i) GRADUS_SUMS_64(i), GRADUS_SUMS_64(i + 64)

// accumulate, b: the numbers of these operands; a: the number of A's, or of its registers in braces; transposed: the numbers of the
// flags for Major::mn.
#define GRADUS_WGMMA(columns, count, accumulate, b, a, transposed, ...) \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, " accumulate ", 0;\n" \
                 "wgmma.mma_async.sync.aligned.m64n" columns "k16.f32.bf16.bf16 " \
                 "{" GRADUS_NAMES_##count "}, " a ", " b ", p, 1, 1, " transposed ";\n}" \
                 : GRADUS_SUMS_##count(0) \
                 : "r"(int(accumulates)), "l"(b_matrix.bits), __VA_ARGS__ \
                 : "memory")
// clang-format on

template <Major a_major = Major::k, Major b_major = Major::k, bool compiled_for = has_warpgroups, int count>
__device__ __forceinline__ void wgmma(float (&d)[count], MatrixDescriptor a_matrix, MatrixDescriptor b_matrix,
                                      bool accumulates = true) {
    static_assert(compiled_for, "warpgroups multiply on sm_90a: compile this kernel for it alone");
    static_assert(count == 32 || count == 64 || count == 128, "D has 64, 128 or 256 columns");
#define GRADUS_A "l"(a_matrix.bits), "n"(int(a_major)), "n"(int(b_major))
    if constexpr (count == 32) GRADUS_WGMMA("64", 32, "%32", "%33", "%34", "%35, %36", GRADUS_A);
    else if constexpr (count == 64) GRADUS_WGMMA("128", 64, "%64", "%65", "%66", "%67, %68", GRADUS_A);
    else GRADUS_WGMMA("256", 128, "%128", "%129", "%130", "%131, %132", GRADUS_A);
#undef GRADUS_A
}

template <Major b_major = Major::k, bool compiled_for = has_warpgroups, int count>
__device__ __forceinline__ void wgmma(float (&d)[count], const unsigned (&a)[4], MatrixDescriptor b_matrix,
                                      bool accumulates = true) {
    static_assert(compiled_for, "warpgroups multiply on sm_90a: compile this kernel for it alone");
    static_assert(count == 32 || count == 64 || count == 128, "D has 64, 128 or 256 columns");
#define GRADUS_A "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "n"(int(b_major))
    if constexpr (count == 32) GRADUS_WGMMA("64", 32, "%32", "%33", "{%34, %35, %36, %37}", "%38", GRADUS_A);
    else if constexpr (count == 64) GRADUS_WGMMA("128", 64, "%64", "%65", "{%66, %67, %68, %69}", "%70", GRADUS_A);
    else GRADUS_WGMMA("256", 128, "%128", "%129", "{%130, %131, %132, %133}", "%134", GRADUS_A);
#undef GRADUS_A
}

#undef GRADUS_NAMES_10
#undef GRADUS_NAMES_30
#undef GRADUS_NAMES_60
#undef GRADUS_NAMES_120
#undef GRADUS_NAMES_32
#undef GRADUS_NAMES_64
#undef GRADUS_NAMES_128
#undef GRADUS_SUMS_8
#undef GRADUS_SUMS_32
#undef GRADUS_SUMS_64
#undef GRADUS_SUMS_128
#undef GRADUS_WGMMA

}  // namespace gradus::cuda
#endif
