#pragma once
// oneDNN's matmul: for bf16 on machines with bf16 instructions, and the baseline of the benchmarks. Primitives are created once
// per shape and cached; several threads may call at the same time.
#include "kernels/cpu/matmul.h"

namespace gradus::cpu {

// Whether this machine has bf16 multiply-adds (AVX-512 BF16, AMX). Without them oneDNN converts or uses plain loops, and
// packed_matmul is faster.
bool multiplies_bf16();

void onednn_matmul(const Matmul&);

}  // namespace gradus::cpu
