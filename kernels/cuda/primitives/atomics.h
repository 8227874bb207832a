#pragma once
// Atomic loads, stores and additions with a memory order and a scope, for int, unsigned and 64-bit integers.
//
//   load_relaxed(p), store_relaxed(p, v)           no order; never torn, and never cached in a register
//   store_release<scope>(p, v)                     earlier accesses of the thread are visible to …
//   load_acquire<scope>(p)                         … a thread in the scope that reads v with this
//   add_acquire_release<scope>(p, v)               both; returns the old value
//
// Scope::block: the threads of the block; Scope::device: those of the GPU. CUDA's atomicAdd and its variants are relaxed.
// Source: PTX ISA, "Memory Consistency Model".
#include "kernels/cuda/primitives/device.h"

namespace gradus::DEVICE {

enum class Scope { block, device };

}  // namespace gradus::DEVICE

#ifndef __CUDACC__
#include "kernels/simt/primitives/atomics.h"
#else

namespace gradus::cuda {

// Overloads for 4 and 8 bytes.
#define GRADUS_LOAD(name, order)                                                      \
    __device__ __forceinline__ unsigned name(const unsigned* p) {                     \
        unsigned v;                                                                   \
        asm volatile("ld." order ".u32 %0, [%1];" : "=r"(v) : "l"(p) : "memory");     \
        return v;                                                                     \
    }                                                                                 \
    __device__ __forceinline__ unsigned long long name(const unsigned long long* p) { \
        unsigned long long v;                                                         \
        asm volatile("ld." order ".u64 %0, [%1];" : "=l"(v) : "l"(p) : "memory");     \
        return v;                                                                     \
    }
#define GRADUS_STORE(name, order)                                                       \
    __device__ __forceinline__ void name(unsigned* p, unsigned v) {                     \
        asm volatile("st." order ".u32 [%0], %1;" ::"l"(p), "r"(v) : "memory");         \
    }                                                                                   \
    __device__ __forceinline__ void name(unsigned long long* p, unsigned long long v) { \
        asm volatile("st." order ".u64 [%0], %1;" ::"l"(p), "l"(v) : "memory");         \
    }
#define GRADUS_ADD(name, order)                                                                       \
    __device__ __forceinline__ unsigned name(unsigned* p, unsigned v) {                               \
        unsigned old;                                                                                 \
        asm volatile("atom." order ".add.u32 %0, [%1], %2;" : "=r"(old) : "l"(p), "r"(v) : "memory"); \
        return old;                                                                                   \
    }                                                                                                 \
    __device__ __forceinline__ unsigned long long name(unsigned long long* p, unsigned long long v) { \
        unsigned long long old;                                                                       \
        asm volatile("atom." order ".add.u64 %0, [%1], %2;" : "=l"(old) : "l"(p), "l"(v) : "memory"); \
        return old;                                                                                   \
    }

namespace ptx {
GRADUS_LOAD(load_relaxed, "relaxed.gpu")
GRADUS_LOAD(load_acquire_block, "acquire.cta")
GRADUS_LOAD(load_acquire_device, "acquire.gpu")
GRADUS_STORE(store_relaxed, "relaxed.gpu")
GRADUS_STORE(store_release_block, "release.cta")
GRADUS_STORE(store_release_device, "release.gpu")
GRADUS_ADD(add_block, "acq_rel.cta")
GRADUS_ADD(add_device, "acq_rel.gpu")

template <class Value>
struct BitsOf {
    static_assert(sizeof(Value) == 4 || sizeof(Value) == 8, "4 or 8 bytes");
    using type = std::conditional_t<sizeof(Value) == 4, unsigned, unsigned long long>;
};
template <class Value>
using Bits = typename BitsOf<Value>::type;
template <class Value>
__device__ __forceinline__ const Bits<Value>* bits(const Value* p) {
    return reinterpret_cast<const Bits<Value>*>(p);
}
template <class Value>
__device__ __forceinline__ Bits<Value>* bits(Value* p) {
    return reinterpret_cast<Bits<Value>*>(p);
}
}  // namespace ptx

#undef GRADUS_LOAD
#undef GRADUS_STORE
#undef GRADUS_ADD

template <class Value>
__device__ __forceinline__ Value load_relaxed(const Value* p) {
    return Value(ptx::load_relaxed(ptx::bits(p)));
}
template <class Value>
__device__ __forceinline__ void store_relaxed(Value* p, std::type_identity_t<Value> v) {
    ptx::store_relaxed(ptx::bits(p), ptx::Bits<Value>(v));
}
template <Scope scope, class Value>
__device__ __forceinline__ Value load_acquire(const Value* p) {
    if constexpr (scope == Scope::block) return Value(ptx::load_acquire_block(ptx::bits(p)));
    else return Value(ptx::load_acquire_device(ptx::bits(p)));
}
template <Scope scope, class Value>
__device__ __forceinline__ void store_release(Value* p, std::type_identity_t<Value> v) {
    if constexpr (scope == Scope::block) ptx::store_release_block(ptx::bits(p), ptx::Bits<Value>(v));
    else ptx::store_release_device(ptx::bits(p), ptx::Bits<Value>(v));
}
template <Scope scope, class Value>
__device__ __forceinline__ Value add_acquire_release(Value* p, std::type_identity_t<Value> v) {
    if constexpr (scope == Scope::block) return Value(ptx::add_block(ptx::bits(p), ptx::Bits<Value>(v)));
    else return Value(ptx::add_device(ptx::bits(p), ptx::Bits<Value>(v)));
}

}  // namespace gradus::cuda
#endif
