#pragma once
// Atomics and fences.
//
// One host thread runs all CUDA threads, so atomicity is free; the emulator models memory order. CUDA's atomicAdd and the other
// atomic functions are relaxed: they order memory only together with fences (a __threadfence before the atomic that signals,
// and one after the atomic that observes it). load_acquire and store_release order memory among the threads of their scope.
// ThreadSanitizer is told exactly this order: with a missing fence, or one of too narrow a scope, it reports a race on the data
// that the flag guards.
//
// A loop that spins on memory lets other threads run at each load_acquire, load_relaxed, atomicCAS and atomicExch. A loop
// that spins on plain loads never ends, as on a GPU.
#include <atomic>
#include <cstdint>
#include <type_traits>

#include "kernels/simt/location.h"
#include "kernels/simt/thread.h"

namespace gradus::emulator {

enum class Scope { block, device };  // device stands for system scope too: there is one GPU

void before_atomic(void* address);  // relaxed: releases what precedes the thread's last fence
void observe(void* address);        // relaxed: the thread's next fence acquires it
void release_at(void* address, Scope scope);
void acquire_at(void* address, Scope scope);
void fence(Scope scope);
void spin(const char* op, Location at);  // lets other threads run

// Atomically, relaxed: value = change(value). Returns the old value.
template <class Value, class Change>
Value update(Value* address, Change change) {
    using Bits = std::conditional_t<sizeof(Value) == 4, uint32_t, uint64_t>;
    static_assert(sizeof(Value) == sizeof(Bits), "atomics have 4 or 8 bytes");
    auto* bits = reinterpret_cast<Bits*>(address);
    before_atomic(address);
    Bits old = __atomic_load_n(bits, __ATOMIC_RELAXED);
    while (true) {
        Value value;
        __builtin_memcpy(&value, &old, sizeof value);
        const Value next = change(value);
        Bits next_bits;
        __builtin_memcpy(&next_bits, &next, sizeof next);
        if (__atomic_compare_exchange_n(bits, &old, next_bits, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            observe(address);
            if (next_bits != old) note_progress();
            return value;
        }
    }
}

}  // namespace gradus::emulator

template <class Value>
Value atomicAdd(Value* address, std::type_identity_t<Value> value) {
    return gradus::emulator::update(address, [=](Value old) { return Value(old + value); });
}
template <class Value>
Value atomicSub(Value* address, std::type_identity_t<Value> value) {
    return gradus::emulator::update(address, [=](Value old) { return Value(old - value); });
}
template <class Value>
Value atomicMax(Value* address, std::type_identity_t<Value> value) {
    static_assert(std::is_integral_v<Value>, "atomicMax is for integers");
    return gradus::emulator::update(address, [=](Value old) { return old > value ? old : value; });
}
template <class Value>
Value atomicMin(Value* address, std::type_identity_t<Value> value) {
    static_assert(std::is_integral_v<Value>, "atomicMin is for integers");
    return gradus::emulator::update(address, [=](Value old) { return old < value ? old : value; });
}
template <class Value>
Value atomicAnd(Value* address, std::type_identity_t<Value> value) {
    return gradus::emulator::update(address, [=](Value old) { return Value(old & value); });
}
template <class Value>
Value atomicOr(Value* address, std::type_identity_t<Value> value) {
    return gradus::emulator::update(address, [=](Value old) { return Value(old | value); });
}
template <class Value>
Value atomicExch(Value* address, std::type_identity_t<Value> value,
                 gradus::emulator::Location at = gradus::emulator::Location::here()) {
    gradus::emulator::spin("atomicExch", at);
    return gradus::emulator::update(address, [=](Value) { return value; });
}
template <class Value>
Value atomicCAS(Value* address, std::type_identity_t<Value> expected, std::type_identity_t<Value> value,
                gradus::emulator::Location at = gradus::emulator::Location::here()) {
    gradus::emulator::spin("atomicCAS", at);
    return gradus::emulator::update(address, [=](Value old) { return old == expected ? value : old; });
}

inline void __threadfence_block() { gradus::emulator::fence(gradus::emulator::Scope::block); }
inline void __threadfence() { gradus::emulator::fence(gradus::emulator::Scope::device); }
