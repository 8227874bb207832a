#pragma once
// The emulator's version of kernels/cuda/primitives/barrier.h.
#include "kernels/simt/barrier.h"
#include "kernels/simt/copies.h"

namespace gradus::DEVICE {

inline void named_barrier_sync(int id, int threads, emulator::Location at = emulator::Location::here()) {
    emulator::named_sync(id, threads, at);
}
inline void named_barrier_arrive(int id, int threads, emulator::Location at = emulator::Location::here()) {
    emulator::named_arrive(id, threads, at);
}
inline void mbarrier_init(MBarrier* barrier, unsigned count, emulator::Location at = emulator::Location::here()) {
    emulator::mbarrier_init(barrier, count, at);
}
inline void fence_mbarrier_init() {}
inline void mbarrier_arrive(MBarrier* barrier, emulator::Location at = emulator::Location::here()) {
    emulator::mbarrier_arrive(barrier, at);
}
inline void mbarrier_arrive_and_expect(MBarrier* barrier, unsigned bytes,
                                       emulator::Location at = emulator::Location::here()) {
    emulator::mbarrier_arrive_and_expect(barrier, bytes, at);
}
inline void mbarrier_wait(MBarrier* barrier, unsigned parity, emulator::Location at = emulator::Location::here()) {
    emulator::mbarrier_wait(barrier, parity, at);
}

}  // namespace gradus::DEVICE
