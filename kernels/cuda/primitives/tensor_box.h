#pragma once
// The description of a tensor map, on the host: a tensor in global memory, and the box of it that each copy moves.
//
// The rules are those of cuTensorMapEncodeTiled without interleaving and with element strides of 1, and two more, to exclude what
// its documentation leaves open: a box's row has exactly the width of its swizzle, and strides never decrease from dimension to
// dimension unless the extent is 1.
//
// Source: CUDA Driver API, "Tensor Map Object Management".
#include <cstdint>
#include <string>

#include "kernels/cuda/primitives/swizzle.h"
#include "kernels/tensor.h"

namespace gradus::DEVICE {

struct TensorBox {
    void* data;
    DType dtype;  // bf16 or f32
    int rank;     // 1 to 5
    int64_t extent[5];
    int64_t stride[5];  // elements from one to the next; of dimension 0: 1
    int box[5];         // elements
    Swizzle swizzle = Swizzle::none;

    int64_t box_bytes() const {
        int64_t bytes = int64_t(size_of(dtype));
        for (int i = 0; i < rank; ++i) bytes *= box[i];
        return bytes;
    }
};

// Why there is no map for this; empty if there is one.
inline std::string problem_of(const TensorBox& t) {
    const auto bytes = int64_t(size_of(t.dtype));
    if (t.dtype != DType::bf16 && t.dtype != DType::f32) return "the elements must be bf16 or f32";
    if (t.rank < 1 || t.rank > 5) return "a tensor map has one to five dimensions";
    if (reinterpret_cast<uintptr_t>(t.data) % 16) return "the tensor's address must be a multiple of 16";
    if (t.stride[0] != 1) return "the elements of dimension 0 must be contiguous";
    for (int i = 0; i < t.rank; ++i) {
        const std::string of = " of dimension " + std::to_string(i);
        if (t.extent[i] < 1 || t.extent[i] > int64_t(1) << 32) return "the extent" + of + " must be 1 to 2^32";
        if (t.box[i] < 1 || t.box[i] > 256) return "the box's length" + of + " must be 1 to 256";
        if (i == 0) continue;
        if (t.stride[i] * bytes % 16) return "the stride" + of + " must be a multiple of 16 bytes";
        if (t.stride[i] < 1 || t.stride[i] * bytes >= int64_t(1) << 40)
            return "the stride" + of + " must be below 2^40 bytes";
        if (t.extent[i] > 1 && t.stride[i] < t.stride[i - 1]) return "the stride" + of + " is below the one before";
    }
    if (t.box[0] * bytes % 16) return "a row of the box must be a multiple of 16 bytes";
    if (t.swizzle != Swizzle::none && t.box[0] * bytes != swizzle_width(t.swizzle))
        return "a row of the box has " + std::to_string(t.box[0] * bytes) + " bytes, and its swizzle " +
               std::to_string(swizzle_width(t.swizzle));
    if (t.box_bytes() > int64_t(227) << 10) return "the box is larger than shared memory";
    return "";
}

}  // namespace gradus::DEVICE
