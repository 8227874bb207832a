#pragma once
// Atomics and fences.
//
// One thread of the host runs everything, so an atomic is atomic by itself; what is modelled is the order it gives. CUDA's
// atomicAdd and its kin are relaxed: they order nothing, unless fences stand between (a __threadfence before the atomic that
// tells, one after the atomic that learns). load_acquire and store_release order by themselves, among the threads of
// their scope. ThreadSanitizer is told exactly that: a flag without a fence, or with one of too narrow a scope, is a race
// of the data behind it.
//
// A loop that spins on memory lets other threads run at each load_acquire, load_relaxed, atomicCAS and atomicExch. A loop
// that spins on plain memory would never end, here as on a GPU.
#include <atomic>
#include <cstdint>
#include <type_traits>

#include "kernels/simt/place.h"

namespace gradus::emulator {

enum class Reach { block, device };  // device and beyond: there is one GPU

void before_atomic(void* address);          // a relaxed one: tells what a fence before it allows to tell
void learnt(void* address);                 // a fence after it may learn from what it read
void released(void* address, Reach reach);  // the current thread tells
void acquired(void* address, Reach reach);  // the current thread learns
void fence(Reach reach);
void spin(const char* word, Place at);  // others go first
void progressed();                      // something that a spinning thread may wait for

// One atomic operation: value -> change(value), relaxed. Returns the old value.
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
            learnt(address);
            if (next_bits != old) progressed();
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
                 gradus::emulator::Place at = gradus::emulator::Place::here()) {
    gradus::emulator::spin("atomicExch", at);
    return gradus::emulator::update(address, [=](Value) { return value; });
}
template <class Value>
Value atomicCAS(Value* address, std::type_identity_t<Value> expected, std::type_identity_t<Value> value,
                gradus::emulator::Place at = gradus::emulator::Place::here()) {
    gradus::emulator::spin("atomicCAS", at);
    return gradus::emulator::update(address, [=](Value old) { return old == expected ? value : old; });
}

inline void __threadfence_block() { gradus::emulator::fence(gradus::emulator::Reach::block); }
inline void __threadfence() { gradus::emulator::fence(gradus::emulator::Reach::device); }
