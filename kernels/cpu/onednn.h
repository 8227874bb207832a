#pragma once
// oneDNN's matrix product: what the CPU table uses where the machine multiplies bf16 in hardware, and the ceiling that
// the benchmarks measure against. Primitives are made once for each shape and kept; several threads may call at once.
#include "kernels/cpu/matmul.h"

namespace gradus::cpu {

// Whether this machine has bf16 multiply-adds (AVX-512 BF16, AMX). Without them oneDNN converts or falls back to plain
// loops, and the packed product is faster.
bool multiplies_bf16();

void onednn_matmul(const Matmul&);

}  // namespace gradus::cpu
