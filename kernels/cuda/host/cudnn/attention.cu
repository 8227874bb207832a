// cuDNN's causal attention.
#include <limits>

#include "kernels/cuda/host/cudnn/ops.h"
#include "kernels/cuda/host/cudnn/planned.h"

namespace gradus::cuda {

namespace {

constexpr int widest_head = 128;

bool fits(const Tensor& t) {
    constexpr int64_t alignment = 16;
    return reinterpret_cast<uintptr_t>(t.data) % alignment == 0 &&
           t.stride() * int64_t(size_of(t.dtype)) % alignment == 0;
}

template <class Args>
bool supported(const Args& a) {
    return a.causal && a.q.dtype == DType::bf16 && a.Tq == a.Tk && a.B > 0 && a.Tq > 0 && a.D % 8 == 0 &&
           a.D <= widest_head && std::holds_alternative<PlainScore>(a.score) && fits(a.q) && fits(a.k) && fits(a.v);
}

template <class Args>
CudnnAttention shape_of(const Args& a) {
    return {.B = a.B,
            .T = a.Tq,
            .H = a.H,
            .G = a.G,
            .D = a.D,
            .q_row = a.q.stride(),
            .k_row = a.k.stride(),
            .v_row = a.v.stride()};
}

float lowest = -std::numeric_limits<float>::infinity(), one = 1;

// f32 [B,H,T,D], for the sum of d_q.
void* sum_of(const CudnnAttention& shape) {
    static std::map<CudnnAttention, void*> known;
    const auto [found, first] = known.try_emplace(shape);
    if (first) found->second = kept_memory(size_t(shape.B * shape.H * shape.T * shape.D) * sizeof(float));
    return found->second;
}

}  // namespace

bool cudnn_attention_forward(const AttentionForward& a, Stream s) {
    if (!supported(a) || !fits(a.y)) return false;
    const auto& p = planned<CudnnAttentionForward>(shape_of(a));
    if (!p.plan.exists()) return false;
    auto scale = float(a.scale);
    p.plan.run(cudnn_handle(s),
               {{p.q, a.q.data},
                {p.k, a.k.data},
                {p.v, a.v.data},
                {p.scale, &scale},
                {p.lowest, &lowest},
                {p.y, a.y.data},
                {p.lse, a.lse.data}},
               p.workspace);
    return true;
}

bool cudnn_attention_backward(const AttentionBackward& a, Stream s) {
    if (!supported(a) || !fits(a.d_q) || !fits(a.d_k) || !fits(a.d_v) || !fits(a.d_y) || !fits(a.y)) return false;
    CudnnAttention shape = shape_of(a);
    shape.d_q_row = a.d_q.stride();
    shape.d_k_row = a.d_k.stride();
    shape.d_v_row = a.d_v.stride();
    const auto& p = planned<CudnnAttentionBackward>(shape);
    if (!p.plan.exists()) return false;
    auto scale = float(a.scale);
    p.plan.run(cudnn_handle(s),
               {{p.q, a.q.data},
                {p.k, a.k.data},
                {p.v, a.v.data},
                {p.y, a.y.data},
                {p.d_y, a.d_y.data},
                {p.lse, a.lse.data},
                {p.scale, &scale},
                {p.lowest, &lowest},
                {p.one, &one},
                {p.delta, a.delta.data},
                {p.d_q_sum, sum_of(shape)},
                {p.d_q, a.d_q.data},
                {p.d_k, a.d_k.data},
                {p.d_v, a.d_v.data}},
               p.workspace);
    return true;
}

}  // namespace gradus::cuda
