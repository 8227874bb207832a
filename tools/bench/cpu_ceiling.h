#pragma once
// The measured ceilings of a CPU (tools/bench/ceiling.h).
#include "kernels/tensor.h"

namespace gradus {

// GFLOP/s of oneDNN's matmul of two 2048 × 2048 matrices of that dtype, on all threads. On a machine without bf16
// instructions f32 is measured for bf16, as if conversion were free.
double measure_ceiling_gflops(DType dtype);

// GB/s at which all threads together read uncached memory: the best of a few passes.
double measure_read_bandwidth();

}  // namespace gradus
