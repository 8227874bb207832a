#pragma once
// Scratch memory of cpu_ops() in bytes, for `gradus plan`. A kernel has a buffer per calling thread, which grows to the largest
// call and is kept.
#include <cstddef>
#include <cstdint>

#include "kernels/tensor.h"

namespace gradus {

// allocate() rounds blocks of two huge pages or more up to huge pages.
inline constexpr size_t cpu_huge_page = size_t(2) << 20;

// Of a matmul [M,K] · [K,N] with this output dtype: packed panels of both operands, and partial sums of the output.
size_t cpu_matmul_scratch(int64_t M, int64_t N, int64_t K, DType out);

struct AttentionSize {
    int64_t B, T, H, G, D;
};
// Of forward and backward: packed heads, and a tile per thread.
size_t cpu_attention_scratch(const AttentionSize&, int threads);

// Of the backward of a norm over N rows of C channels: partial sums for gain and bias.
size_t cpu_norm_scratch(int64_t N, int64_t C);

}  // namespace gradus
