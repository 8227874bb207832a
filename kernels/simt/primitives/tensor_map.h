#pragma once
// The emulator's version of kernels/cuda/primitives/tensor_map.h.
#include "kernels/simt/copies.h"
#include "kernels/simt/tensor_map.h"

namespace gradus::simt {

using emulator::TensorMap;

TensorMap tensor_map(const TensorBox& description);

template <int rank>
void tensor_load(void* shared, const TensorMap& map, const int (&at)[rank], MBarrier* barrier,
                 emulator::Location location = emulator::Location::here()) {
    emulator::tensor_load(shared, map, at, rank, barrier, location);
}
template <int rank>
void tensor_store(const TensorMap& map, const int (&at)[rank], const void* shared,
                  emulator::Location location = emulator::Location::here()) {
    emulator::tensor_store(map, at, rank, shared, false, location);
}
template <int rank>
void tensor_add(const TensorMap& map, const int (&at)[rank], const void* shared,
                emulator::Location location = emulator::Location::here()) {
    emulator::tensor_store(map, at, rank, shared, true, location);
}
inline void bulk_add(float* global, const float* shared, unsigned bytes,
                     emulator::Location location = emulator::Location::here()) {
    emulator::bulk_add(global, shared, bytes, location);
}
inline void tensor_prefetch(const TensorMap&) {}

}  // namespace gradus::simt
