#pragma once
// The header of every .cu file. The same source is compiled twice, by nvcc for a GPU and by the host's compiler for the
// emulator (docs/simt.md), into namespace gradus::DEVICE: `cuda` or `simt`. Besides CUDA's built-ins, both have
//
//   launch(kernel, grid, block, shared_bytes, stream, arguments…)   converts the arguments to the kernel's parameters
//   SHARED(float, parts, [16][33]);       static shared memory, aligned to 16 bytes; SHARED(int, last, ); for one value
//   DYNAMIC_SHARED(float, tile);          float* tile: the block's dynamic shared memory, aligned to 1024 bytes
//   device_check(condition);              a precondition of the kernel, which stops if it does not hold
//   Pack<T>, load_pack(p), store_pack(p, pack)   16-byte accesses; p must be a multiple of 16
//
// Everything that needs PTX is in the other headers of this folder.
#ifndef __CUDACC__
#include "kernels/simt/device.h"
#else
#include <cuda_runtime.h>

#include <cassert>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "kernels/tensor.h"

#define DEVICE cuda

namespace gradus::cuda {

// The compute capability of this compiler pass; in the host pass above all, so that no static_assert fails there.
#ifdef __CUDA_ARCH__
constexpr int architecture = __CUDA_ARCH__ / 10;
#else
constexpr int architecture = 1000;
#endif

void check(cudaError_t, const char* call, const char* file, int line);  // host/device.h
cudaStream_t stream_of(Stream);                                         // host/device.h

// The address in PTX's shared address space.
__device__ __forceinline__ unsigned shared_address(const void* pointer) {
    return unsigned(__cvta_generic_to_shared(pointer));
}

constexpr size_t shared_without_asking = 48 << 10;

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, Stream stream,
            Arguments&&... arguments) {
    static_assert(sizeof...(Parameters) == sizeof...(Arguments), "as many arguments as the kernel has parameters");
    if (shared_bytes > shared_without_asking)
        check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared_bytes)),
              "cudaFuncSetAttribute(dynamic shared memory)", __FILE__, __LINE__);
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream_of(stream);
    check(cudaLaunchKernelEx(&config, kernel, Parameters(std::forward<Arguments>(arguments))...), "launch of a kernel",
          __FILE__, __LINE__);
}

template <class Element>
struct alignas(16) Pack {
    static constexpr int size = 16 / int(sizeof(Element));
    Element values[size];

    __host__ __device__ constexpr Element& operator[](int i) { return values[i]; }
    __host__ __device__ constexpr const Element& operator[](int i) const { return values[i]; }
};

template <class Element>
__device__ __forceinline__ Pack<Element> load_pack(const Element* address) {
    return *reinterpret_cast<const Pack<Element>*>(address);
}

template <class Element>
__device__ __forceinline__ void store_pack(Element* address, const Pack<Element>& pack) {
    *reinterpret_cast<Pack<Element>*>(address) = pack;
}

}  // namespace gradus::cuda

#define SHARED(Element, name, extents) __shared__ __align__(16) Element name extents

// All kernels of a file share one symbol, so it has one type.
#define DYNAMIC_SHARED(Element, name)                                        \
    extern __shared__ __align__(1024) unsigned char gradus_dynamic_shared[]; \
    Element* const name = reinterpret_cast<Element*>(gradus_dynamic_shared)

// The function behind assert(), but in every build: the driver prints the condition, the line, the block and the thread.
#define device_check(condition)                                                                        \
    do {                                                                                               \
        if (!(condition)) __assert_fail("device_check(" #condition ")", __FILE__, __LINE__, __func__); \
    } while (0)
#endif
