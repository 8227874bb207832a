#pragma once
// Matrices of bf16 in shared memory as wgmma sees them: 16 elements of k, and m or n of the rest, in pieces of 16 bytes whose
// places a descriptor of 64 bits tells. Kernels make it with kernels/cuda/primitives/warpgroup.h, which says where they lie.
//
// Source: PTX ISA, "Asynchronous warpgroup-level matrix: shared memory matrix layout"; CUTLASS, cute/atom/mma_traits_sm90_gmma.hpp
// (the canonical layouts).
#include <cstdint>
#include <vector>

#include "kernels/simt/place.h"

namespace gradus::emulator {

class SharedMemory;

constexpr int depth_of_wgmma = 16;  // of k, for elements of two bytes

// Where pieces of a matrix lie, in the order of matrix_elements(). `operand` ("A") is for Faults: a start that is not where the
// swizzle's pattern begins; a piece outside the block's shared memory.
std::vector<const char*> matrix_pieces(const SharedMemory&, uint64_t descriptor, bool k_major, int rows,
                                       const char* operand, Place at);

// The matrix [rows][16] of m or n, and k.
std::vector<float> matrix_elements(const std::vector<const char*>& pieces, bool k_major, int rows);

}  // namespace gradus::emulator
