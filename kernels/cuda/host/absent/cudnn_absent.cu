// Linked in builds with CUDA and without cuDNN, which then supports nothing.
#include "kernels/cuda/host/cudnn/ops.h"
#include "kernels/cuda/host/library.h"

namespace gradus {

bool cuda_has_cudnn() { return false; }

namespace cuda {

bool cudnn_attention_forward(const AttentionForward&, Stream) { return false; }
bool cudnn_attention_backward(const AttentionBackward&, Stream) { return false; }
bool cudnn_layernorm_forward(const LayerNormForward&, Stream) { return false; }
bool cudnn_layernorm_backward(const LayerNormBackward&, Stream) { return false; }
bool cudnn_rmsnorm_forward(const RmsNormForward&, Stream) { return false; }
bool cudnn_rmsnorm_backward(const RmsNormBackward&, Stream) { return false; }

}  // namespace cuda

}  // namespace gradus
