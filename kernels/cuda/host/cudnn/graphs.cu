#include "kernels/cuda/host/cudnn/graphs.h"

namespace gradus::cuda {

namespace {

constexpr cudnnDataType_t bf16_type = CUDNN_DATA_BFLOAT16;

// Heads in rows, as [B, heads, T, D].
CudnnTensor heads(const CudnnAttention& a, int64_t count, int64_t row) {
    return {.type = bf16_type, .dims = {a.B, count, a.T, a.D}, .strides = {a.T * row, a.D, row, 1}};
}
// The same memory as [B, heads, D, T].
CudnnTensor transposed(CudnnTensor t) {
    std::swap(t.dims[2], t.dims[3]);
    std::swap(t.strides[2], t.strides[3]);
    return t;
}
CudnnTensor in_memory(const CudnnDims& dims, cudnnDataType_t type = CUDNN_DATA_FLOAT) {
    return {.type = type, .dims = dims, .strides = contiguous(dims)};
}

}  // namespace

CudnnAttentionForward::CudnnAttentionForward(const CudnnAttention& a) {
    CudnnGraph& g = graph;
    const CudnnDims statistics = {a.B, a.H, a.T, 1};
    q = g.tensor(heads(a, a.H, a.q_row));
    k = g.tensor(transposed(heads(a, a.G, a.k_row)));
    v = g.tensor(heads(a, a.G, a.v_row));
    y = g.tensor(heads(a, a.H, a.H * a.D));
    lse = g.tensor(in_memory(statistics));
    scale = g.number();
    lowest = g.number();

    const int scores = g.causal(g.pointwise(CUDNN_POINTWISE_MUL, g.matmul(q, k), scale), lowest);
    const int top = g.reduce(CUDNN_REDUCE_TENSOR_MAX, scores, statistics);
    const int p = g.pointwise(CUDNN_POINTWISE_EXP, g.pointwise(CUDNN_POINTWISE_SUB, scores, top));
    const int sum = g.reduce(CUDNN_REDUCE_TENSOR_ADD, p, statistics);
    g.pointwise_into(CUDNN_POINTWISE_ADD, lse, top, g.pointwise(CUDNN_POINTWISE_LOG, sum));
    g.matmul_into(y, g.pointwise(CUDNN_POINTWISE_DIV, p, sum, bf16_type), v);
}

CudnnAttentionBackward::CudnnAttentionBackward(const CudnnAttention& a) {
    CudnnGraph& g = graph;
    const CudnnDims statistics = {a.B, a.H, a.T, 1};
    q = g.tensor(heads(a, a.H, a.q_row));
    k = g.tensor(transposed(heads(a, a.G, a.k_row)));
    v = g.tensor(transposed(heads(a, a.G, a.v_row)));
    y = g.tensor(heads(a, a.H, a.H * a.D));
    d_y = g.tensor(heads(a, a.H, a.H * a.D));
    lse = g.tensor(in_memory(statistics));
    scale = g.number();
    lowest = g.number();
    one = g.number();
    delta = g.tensor(in_memory(statistics));
    d_q_sum = g.tensor(in_memory({a.B, a.H, a.T, a.D}));
    d_q = g.tensor(heads(a, a.H, a.d_q_row));
    d_k = g.tensor(heads(a, a.G, a.d_k_row));
    d_v = g.tensor(heads(a, a.G, a.d_v_row));

    // A gradient of keys or values; of several query heads, their sum.
    const auto into = [&](int gradient, int left, int right) {
        if (a.H == a.G) return g.matmul_into(gradient, left, right);
        g.reduce_into(CUDNN_REDUCE_TENSOR_ADD, gradient, g.matmul(left, right, bf16_type));
    };
    const int products = g.pointwise(CUDNN_POINTWISE_MUL, d_y, y);
    g.pointwise_into(CUDNN_POINTWISE_MUL, delta, g.reduce(CUDNN_REDUCE_TENSOR_ADD, products, statistics), one);

    const int scores = g.pointwise(CUDNN_POINTWISE_MUL, g.matmul(q, k), scale);
    const int p = g.pointwise(CUDNN_POINTWISE_EXP, g.causal(g.pointwise(CUDNN_POINTWISE_SUB, scores, lse), lowest));
    into(d_v, g.transpose(p, bf16_type), d_y);

    const int d_p = g.pointwise(CUDNN_POINTWISE_SUB, g.matmul(d_y, v), delta);
    const int d_s = g.pointwise(CUDNN_POINTWISE_MUL, g.pointwise(CUDNN_POINTWISE_MUL, d_p, p), scale, bf16_type);
    into(d_k, g.transpose(d_s, bf16_type), q);
    g.matmul_into(d_q_sum, d_s, g.transpose(k, bf16_type));
    g.pointwise_into(CUDNN_POINTWISE_IDENTITY, d_q, d_q_sum);
}

namespace {

CudnnTensor rows(const CudnnNorm& n) { return in_memory({n.N, n.C, 1, 1}, bf16_type); }
CudnnTensor columns(const CudnnNorm& n, cudnnDataType_t type) { return in_memory({1, n.C, 1, 1}, type); }
CudnnTensor of_rows(const CudnnNorm& n) { return in_memory({n.N, 1, 1, 1}); }
cudnnBackendNormMode_t mode_of(const CudnnNorm& n) { return n.centred ? CUDNN_LAYER_NORM : CUDNN_RMS_NORM; }

}  // namespace

CudnnNormForward::CudnnNormForward(const CudnnNorm& n) {
    CudnnGraph& g = graph;
    x = g.tensor(rows(n));
    gain = g.tensor(columns(n, bf16_type));
    bias = n.centred ? g.tensor(columns(n, bf16_type)) : -1;
    epsilon = g.number();
    y = g.tensor(rows(n));
    mean = n.centred ? g.tensor(of_rows(n)) : -1;
    inverse = g.tensor(of_rows(n));
    CudnnDescriptor& op = g.operation(CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR);
    op.set(CUDNN_ATTR_OPERATION_NORM_FWD_MODE, CUDNN_TYPE_NORM_MODE, mode_of(n))
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_PHASE, CUDNN_TYPE_NORM_FWD_PHASE, CUDNN_NORM_FWD_TRAINING)
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, g.descriptor(x))
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC, g.descriptor(gain))
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC, g.descriptor(epsilon))
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC, g.descriptor(inverse))
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_YDESC, g.descriptor(y));
    if (n.centred)
        op.set(CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC, g.descriptor(bias))
            .set(CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC, g.descriptor(mean));
    op.finalize();
}

CudnnNormBackward::CudnnNormBackward(const CudnnNorm& n) {
    CudnnGraph& g = graph;
    x = g.tensor(rows(n));
    d_y = g.tensor(rows(n));
    gain = g.tensor(columns(n, bf16_type));
    mean = n.centred ? g.tensor(of_rows(n)) : -1;
    inverse = g.tensor(of_rows(n));
    d_x = g.tensor(rows(n));
    d_gain = g.tensor(columns(n, bf16_type));
    d_bias = n.centred ? g.tensor(columns(n, bf16_type)) : -1;
    CudnnDescriptor& op = g.operation(CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR);
    op.set(CUDNN_ATTR_OPERATION_NORM_BWD_MODE, CUDNN_TYPE_NORM_MODE, mode_of(n))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_XDESC, g.descriptor(x))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_DYDESC, g.descriptor(d_y))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_SCALE_DESC, g.descriptor(gain))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_INV_VARIANCE_DESC, g.descriptor(inverse))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_DXDESC, g.descriptor(d_x))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_DSCALE_DESC, g.descriptor(d_gain));
    if (n.centred)
        op.set(CUDNN_ATTR_OPERATION_NORM_BWD_MEAN_DESC, g.descriptor(mean))
            .set(CUDNN_ATTR_OPERATION_NORM_BWD_DBIAS_DESC, g.descriptor(d_bias));
    op.finalize();
}

}  // namespace gradus::cuda
