#pragma once
// The emulator's half of kernels/cuda/primitives/atomics.h.
#include "kernels/simt/atomics.h"

namespace gradus::simt {

constexpr emulator::Reach reach_of(Scope scope) {
    return scope == Scope::block ? emulator::Reach::block : emulator::Reach::device;
}

template <class Value>
Value load_relaxed(const Value* p, emulator::Place at = emulator::Place::here()) {
    emulator::spin("load_relaxed", at);
    const Value value = __atomic_load_n(p, __ATOMIC_RELAXED);
    emulator::learnt(const_cast<Value*>(p));
    return value;
}
template <class Value>
void store_relaxed(Value* p, std::type_identity_t<Value> v) {
    emulator::before_atomic(p);
    __atomic_store_n(p, v, __ATOMIC_RELAXED);
    emulator::progressed();
}
template <Scope scope, class Value>
Value load_acquire(const Value* p, emulator::Place at = emulator::Place::here()) {
    emulator::spin("load_acquire", at);
    const Value value = __atomic_load_n(p, __ATOMIC_RELAXED);
    emulator::acquired(const_cast<Value*>(p), reach_of(scope));
    return value;
}
template <Scope scope, class Value>
void store_release(Value* p, std::type_identity_t<Value> v) {
    emulator::released(p, reach_of(scope));
    __atomic_store_n(p, v, __ATOMIC_RELAXED);
    emulator::progressed();
}
template <Scope scope, class Value>
Value add_acquire_release(Value* p, std::type_identity_t<Value> v) {
    emulator::released(p, reach_of(scope));
    const Value old = __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
    emulator::acquired(p, reach_of(scope));
    emulator::progressed();
    return old;
}

}  // namespace gradus::simt
