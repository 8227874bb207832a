#pragma once
// The emulator's version of kernels/cuda/primitives/tensor_map.h.
#include "kernels/cuda/primitives/tensor_box.h"
#include "kernels/simt/copies.h"
#include "kernels/simt/tensor_map.h"

namespace gradus::DEVICE {

using emulator::TensorMap;

inline TensorMap tensor_map(const TensorBox& description) {
    CHECK(problem_of(description).empty(), "no tensor map: " + problem_of(description));
    TensorMap map;
    map.data = static_cast<char*>(description.data);
    map.rank = description.rank;
    map.element_bytes = unsigned(size_of(description.dtype));
    map.is_float = description.dtype == DType::f32;
    for (int i = 0; i < map.rank; ++i) {
        map.extent[i] = description.extent[i];
        map.stride[i] = description.stride[i] * map.element_bytes;
        map.box[i] = description.box[i];
    }
    map.width = swizzle_width(description.swizzle);
    return map;
}

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

}  // namespace gradus::DEVICE
