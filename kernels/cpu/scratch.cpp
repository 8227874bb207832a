#include "kernels/cpu_scratch.h"

#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/matmul.h"
#include "kernels/cpu/norm.h"

namespace gradus {

namespace {

size_t bytes_of(int64_t floats) { return size_t(floats) * sizeof(float); }

}  // namespace

size_t cpu_matmul_scratch(int64_t M, int64_t N, int64_t K, DType out) {
    return bytes_of(cpu::packed_matmul_scratch(M, N, K, out));
}

size_t cpu_attention_scratch(const AttentionSize& s, int threads) {
    const cpu::HeadLayout at = {s.T, s.T, s.H, s.G, s.D};
    const int64_t pairs = s.B * s.G;
    return bytes_of(cpu::attention_forward_scratch(at, pairs, threads) +
                    cpu::attention_backward_scratch(at, pairs, threads));
}

size_t cpu_norm_scratch(int64_t N, int64_t C) {
    constexpr int gain_and_bias = 2;
    return bytes_of(cpu::norm_scratch(N, C, gain_and_bias));
}

}  // namespace gradus
