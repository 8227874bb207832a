#pragma once
// The emulator's version of kernels/cuda/primitives/atomics.h.
#include "kernels/simt/atomics.h"

namespace gradus::DEVICE {

constexpr emulator::Scope emulator_scope(Scope scope) {
    return scope == Scope::block ? emulator::Scope::block : emulator::Scope::device;
}

template <class Value>
Value load_relaxed(const Value* p, emulator::Location at = emulator::Location::here()) {
    emulator::spin("load_relaxed", at);
    const Value value = __atomic_load_n(p, __ATOMIC_RELAXED);
    emulator::observe(const_cast<Value*>(p));
    return value;
}
template <class Value>
void store_relaxed(Value* p, std::type_identity_t<Value> v) {
    emulator::before_atomic(p);
    __atomic_store_n(p, v, __ATOMIC_RELAXED);
    emulator::note_progress();
}
template <Scope scope, class Value>
Value load_acquire(const Value* p, emulator::Location at = emulator::Location::here()) {
    emulator::spin("load_acquire", at);
    const Value value = __atomic_load_n(p, __ATOMIC_RELAXED);
    emulator::acquire_at(const_cast<Value*>(p), emulator_scope(scope));
    return value;
}
template <Scope scope, class Value>
void store_release(Value* p, std::type_identity_t<Value> v) {
    emulator::release_at(p, emulator_scope(scope));
    __atomic_store_n(p, v, __ATOMIC_RELAXED);
    emulator::note_progress();
}
template <Scope scope, class Value>
Value add_acquire_release(Value* p, std::type_identity_t<Value> v) {
    emulator::release_at(p, emulator_scope(scope));
    const Value old = __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
    emulator::acquire_at(p, emulator_scope(scope));
    emulator::note_progress();
    return old;
}

}  // namespace gradus::DEVICE
