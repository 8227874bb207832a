#pragma once
// Ops that a library computes too: cuDNN's attention and norms, cuBLASLt's matmuls. For kernel_choices(), and to compare
// our kernels with.
#include "kernels/ops.h"

namespace gradus {

bool cuda_has_cudnn();  // whether this build has it

// Entries: what a library computes; null: nothing. Arguments that the library does not support are an Error.
//
//   attention_forward, attention_backward   cuDNN: bf16, causal, without a score function, D ≤ 128. The gradients of cuDNN differ
//                                           in their last bits from run to run
//   layernorm_…, rmsnorm_…                  cuDNN: bf16, without a residual. Gradients of weights are overwritten, through bf16
//   linear_…                                cuBLASLt, whatever kernel_choices() says
const Ops& cuda_libraries();

namespace cuda {

// `ours`, but with cuDNN's attention where kernel_choices() asks for it and cuDNN supports the arguments.
const Ops& with_libraries(const Ops& ours);

}  // namespace cuda

}  // namespace gradus
