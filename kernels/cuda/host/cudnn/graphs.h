#pragma once
// The graphs of cuDNN that gradus compares its kernels with. cuDNN recognises a graph by its operations and their order, so
// these are those of NVIDIA's cudnn-frontend (node/scaled_dot_product_flash_attention.h, node/softmax.h, node/layernorm.h and
// node/rmsnorm.h of version 1.32), without the options that are not used here.
#include "kernels/cuda/host/cudnn/backend.h"

namespace gradus::cuda {

// Causal self-attention in bf16, of kernels/attention.h: heads of D elements, side by side in rows `…_row` elements apart.
struct CudnnAttention {
    int64_t B, T, H, G, D;
    int64_t q_row, k_row, v_row;  // q, k and v; in backward also d_q, d_k and d_v
    int64_t d_q_row = 0, d_k_row = 0, d_v_row = 0;
    auto operator<=>(const CudnnAttention&) const = default;
};

// The ids of the tensors in memory; scale and lowest are numbers (1/√D and −∞).
struct CudnnAttentionForward {
    CudnnGraph graph;
    int q, k, v, scale, lowest, y, lse;
    explicit CudnnAttentionForward(const CudnnAttention&);
};
struct CudnnAttentionBackward {
    CudnnGraph graph;
    int q, k, v, y, d_y, lse, scale, lowest, one;
    int delta, d_q_sum;  // f32 workspace: [B,H,T] and [B,H,T,D]
    int d_q, d_k, d_v;
    explicit CudnnAttentionBackward(const CudnnAttention&);
};

// Norms of N rows of C bf16 elements, with bf16 weights.
struct CudnnNorm {
    int64_t N, C;
    bool centred;  // layernorm; else rmsnorm
    auto operator<=>(const CudnnNorm&) const = default;
};
struct CudnnNormForward {
    CudnnGraph graph;
    int x, gain, bias, epsilon, y, mean, inverse;  // −1 where rmsnorm has none; mean and inverse: f32 [N]
    explicit CudnnNormForward(const CudnnNorm&);
};
struct CudnnNormBackward {
    CudnnGraph graph;
    int x, d_y, gain, mean, inverse, d_x, d_gain, d_bias;  // d_gain and d_bias: bf16 [C], overwritten
    explicit CudnnNormBackward(const CudnnNorm&);
};

}  // namespace gradus::cuda
