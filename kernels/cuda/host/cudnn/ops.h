#pragma once
// cuDNN's versions of ops. Each returns false, and does nothing, if cuDNN does not support the arguments.
#include "kernels/attention.h"
#include "kernels/layernorm.h"
#include "kernels/rmsnorm.h"

namespace gradus::cuda {

bool cudnn_attention_forward(const AttentionForward&, Stream);
bool cudnn_attention_backward(const AttentionBackward&, Stream);
bool cudnn_layernorm_forward(const LayerNormForward&, Stream);
bool cudnn_layernorm_backward(const LayerNormBackward&, Stream);
bool cudnn_rmsnorm_forward(const RmsNormForward&, Stream);
bool cudnn_rmsnorm_backward(const RmsNormBackward&, Stream);

}  // namespace gradus::cuda
