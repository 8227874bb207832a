#pragma once
// What a CPU can do at best, measured (tools/bench/ceiling.h).
#include "kernels/tensor.h"

namespace gradus {

// GFLOP/s of oneDNN's product of two 2048 × 2048 matrices of that dtype, on all threads. Where the machine has no bf16
// arithmetic, bf16 is measured as f32: conversion is free at best.
double measure_ceiling_gflops(DType dtype);

// GB/s at which all threads together read memory that no cache holds: the best of a few passes.
double measure_read_bandwidth();

}  // namespace gradus
