// cuDNN's norms, to compare ours with.
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/host/cudnn/ops.h"
#include "kernels/cuda/host/cudnn/planned.h"
#include "kernels/elementwise.h"

namespace gradus::cuda {

namespace {

bool supported(const Tensor& x) { return x.dtype == DType::bf16 && x.size() > 0; }
CudnnNorm shape_of(const Tensor& x, bool centred) { return {.N = x.rows(), .C = x.last(), .centred = centred}; }

// addresses(graph, rounded): those of a call; rounded [2,C]: the weights' gradients in bf16, which become those of the op.
template <class Addresses>
bool backward(const CudnnNorm& shape, Tensor d_gain, Tensor d_bias, Stream s, const Addresses& addresses) {
    const auto& p = planned<CudnnNormBackward>(shape);
    if (!p.plan.exists()) return false;
    static std::map<int64_t, void*> memory_of;
    void*& memory = memory_of[shape.C];
    if (!memory) memory = kept_memory(2 * size_t(shape.C) * size_of(DType::bf16));
    const Tensor rounded = {memory, DType::bf16, {2, shape.C}};
    p.plan.run(cudnn_handle(s), addresses(p, rounded), p.workspace);
    const Shape c = {shape.C};
    cast({.y = d_gain, .x = rounded.slice(0, 1).view(c)}, s);
    if (d_bias) cast({.y = d_bias, .x = rounded.slice(1, 1).view(c)}, s);
    return true;
}

}  // namespace

bool cudnn_layernorm_forward(const LayerNormForward& a, Stream s) {
    if (!supported(a.x) || !a.bias) return false;
    const auto& p = planned<CudnnNormForward>(shape_of(a.x, true));
    if (!p.plan.exists()) return false;
    auto epsilon = float(a.eps);
    p.plan.run(cudnn_handle(s),
               {{p.x, a.x.data},
                {p.gain, a.gain.data},
                {p.bias, a.bias.data},
                {p.epsilon, &epsilon},
                {p.y, a.y.data},
                {p.mean, a.mean.data},
                {p.inverse, a.rstd.data}},
               p.workspace);
    return true;
}

bool cudnn_rmsnorm_forward(const RmsNormForward& a, Stream s) {
    if (!supported(a.x)) return false;
    const auto& p = planned<CudnnNormForward>(shape_of(a.x, false));
    if (!p.plan.exists()) return false;
    auto epsilon = float(a.eps);
    p.plan.run(
        cudnn_handle(s),
        {{p.x, a.x.data}, {p.gain, a.gain.data}, {p.epsilon, &epsilon}, {p.y, a.y.data}, {p.inverse, a.rstd.data}},
        p.workspace);
    return true;
}

bool cudnn_layernorm_backward(const LayerNormBackward& a, Stream s) {
    if (!supported(a.x) || a.d_residual || !a.d_bias) return false;
    return backward(shape_of(a.x, true), a.d_gain, a.d_bias, s,
                    [&](const CudnnNormBackward& g, const Tensor& rounded) -> std::map<int, void*> {
                        return {{g.x, a.x.data},          {g.d_y, a.d_y.data},
                                {g.gain, a.gain.data},    {g.mean, a.mean.data},
                                {g.inverse, a.rstd.data}, {g.d_x, a.d_x.data},
                                {g.d_gain, rounded.data}, {g.d_bias, rounded.slice(1, 1).data}};
                    });
}

bool cudnn_rmsnorm_backward(const RmsNormBackward& a, Stream s) {
    if (!supported(a.x) || a.d_residual) return false;
    return backward(shape_of(a.x, false), a.d_gain, {}, s,
                    [&](const CudnnNormBackward& g, const Tensor& rounded) -> std::map<int, void*> {
                        return {{g.x, a.x.data},          {g.d_y, a.d_y.data}, {g.gain, a.gain.data},
                                {g.inverse, a.rstd.data}, {g.d_x, a.d_x.data}, {g.d_gain, rounded.data}};
                    });
}

}  // namespace gradus::cuda
