#pragma once
// The swizzles of tiles in shared memory that tensor maps write (tensor_map.h) and wgmma reads (warpgroup.h). A tile's row of W
// bytes holds W / 16 chunks of 16 bytes; the swizzle permutes them differently in each 128 bytes, so that a column of chunks, one
// from each row, spreads over all banks.
//
//   swizzle_width(s)             W: 128, 64, 32, or 16 without a swizzle
//   swizzled(byte, s)            where the byte at this offset lies. The tile starts at a multiple of 8 W:
//                                bits 4–6 ^= bits 7–9 (W = 128), bits 4–5 ^= bits 7–8 (64), bit 4 ^= bit 7 (32)
//
// Source: PTX ISA, "Tensor swizzling modes".
#include "kernels/cuda/primitives/device.h"

namespace gradus::DEVICE {

enum class Swizzle : unsigned { none = 0, bytes_128 = 1, bytes_64 = 2, bytes_32 = 3 };

__host__ __device__ constexpr unsigned swizzle_width(Swizzle swizzle) {
    return swizzle == Swizzle::bytes_128  ? 128
           : swizzle == Swizzle::bytes_64 ? 64
           : swizzle == Swizzle::bytes_32 ? 32
                                          : 16;
}

__host__ __device__ constexpr unsigned swizzled(unsigned byte, Swizzle swizzle) {
    return byte ^ (byte & (swizzle_width(swizzle) / 16 - 1) << 7) >> 3;
}

}  // namespace gradus::DEVICE
