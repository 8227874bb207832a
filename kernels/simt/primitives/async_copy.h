#pragma once
// The emulator's version of kernels/cuda/primitives/async_copy.h.
#include "kernels/simt/copies.h"
#include "kernels/simt/shared.h"

namespace gradus::DEVICE {

inline void copy_async(void* shared, const void* global, bool valid = true,
                       emulator::Location at = emulator::Location::here()) {
    emulator::copy_async(shared, global, 16, valid ? 16 : 0, at);
}
inline void copy_async_part(void* shared, const void* global, int bytes,
                            emulator::Location at = emulator::Location::here()) {
    emulator::copy_async(shared, global, 16, unsigned(bytes), at);
}
inline void copy_async_word(void* shared, const void* global, bool valid = true,
                            emulator::Location at = emulator::Location::here()) {
    emulator::copy_async(shared, global, 4, valid ? 4 : 0, at);
}
inline void copy_async_commit(emulator::Location at = emulator::Location::here()) { emulator::copy_async_commit(at); }
template <int groups_left>
void copy_async_wait(emulator::Location at = emulator::Location::here()) {
    emulator::copy_async_wait(groups_left, at);
}

inline void bulk_load(void* shared, const void* global, unsigned bytes, MBarrier* barrier,
                      emulator::Location at = emulator::Location::here()) {
    emulator::bulk_load(shared, global, bytes, barrier, at);
}
inline void bulk_store(void* global, const void* shared, unsigned bytes,
                       emulator::Location at = emulator::Location::here()) {
    emulator::bulk_store(global, shared, bytes, at);
}
inline void bulk_commit(emulator::Location at = emulator::Location::here()) { emulator::bulk_commit(at); }
template <int groups_left>
void bulk_wait(emulator::Location at = emulator::Location::here()) {
    emulator::bulk_wait(groups_left, false, at);
}
template <int groups_left>
void bulk_wait_read(emulator::Location at = emulator::Location::here()) {
    emulator::bulk_wait(groups_left, true, at);
}
inline void fence_async(emulator::Location at = emulator::Location::here()) { emulator::fence_async(at); }

}  // namespace gradus::DEVICE
