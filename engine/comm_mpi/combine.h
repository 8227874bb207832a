#pragma once
// Sums and maxima over the ranks' data, in rank order.
//
//   sum   out_i = s_0i + s_1i + … + s_(n-1)i      from left to right; bf16 in f32, rounded once
//   max   out_i = max_k s_ki                      NaN if one of them is; not for c128
//
// out may be one of the sources.
#include "kernels/tensor.h"

namespace gradus::mpi {

void sum_in_order(DType, void* out, const void* const* sources, int n, int64_t count);
void max_in_order(DType, void* out, const void* const* sources, int n, int64_t count);

}  // namespace gradus::mpi
