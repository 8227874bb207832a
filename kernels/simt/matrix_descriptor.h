#pragma once
// bf16 operands of wgmma in shared memory: 16 elements along k, 64 rows (A) or the columns of B along m or n, in chunks of 16
// bytes whose addresses follow from a 64-bit descriptor. Kernels build it with kernels/cuda/primitives/warpgroup.h, which
// documents the layouts.
//
// Source: PTX ISA, "Asynchronous warpgroup-level matrix: shared memory matrix layout"; CUTLASS, cute/atom/mma_traits_sm90_gmma.hpp
// (the canonical layouts).
#include <cstdint>
#include <vector>

#include "kernels/simt/location.h"

namespace gradus::emulator {

class SharedMemory;

constexpr int wgmma_depth = 16;  // elements along k, for 2-byte elements

// The addresses of the chunks, in the order of matrix_elements(). Fault, which names `operand` ("A"): the matrix does not start
// at a multiple of the swizzle pattern; a chunk outside the block's shared memory.
std::vector<const char*> matrix_chunks(const SharedMemory&, uint64_t descriptor, bool k_major, int rows,
                                       const char* operand, Location at);

// The matrix [rows][16]: m or n, then k.
std::vector<float> matrix_elements(const std::vector<const char*>& chunks, bool k_major, int rows);

}  // namespace gradus::emulator
