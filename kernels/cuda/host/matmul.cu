// The product of kernels/cuda/matmul.h by cuBLASLt.
//
// cuBLASLt counts its matrices by columns. A row-major [R,C] matrix is, as it lies in memory, a column-major [C,R] one: its
// transpose. So the product that is asked of cuBLASLt is cᵀ = Bᵀ·Aᵀ: b is its first operand and a its second, neither is
// moved, and a bias along the rows of cᵀ is one along the columns of c.
#include "kernels/cuda/matmul.h"

#include <array>
#include <map>
#include <memory>

#include "kernels/cuda/host/device.h"
#include "kernels/ops.h"

namespace gradus::cuda {

namespace {

template <class Handle, cublasStatus_t (*destroy)(Handle)>
struct Destroy {
    void operator()(Handle h) const { destroy(h); }
};
template <class Handle, cublasStatus_t (*destroy)(Handle)>
using Owner = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<Handle, destroy>>;
using Operation = Owner<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Layout = Owner<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = Owner<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

cudaDataType type_of(const Tensor& t) {
    CHECK(t.dtype == DType::f32 || t.dtype == DType::bf16, "products are made in f32 and bf16");
    return t.dtype == DType::f32 ? CUDA_R_32F : CUDA_R_16BF;
}

Layout layout_of(const Tensor& t) {
    cublasLtMatrixLayout_t layout;
    CUDA_CHECK(cublasLtMatrixLayoutCreate(&layout, type_of(t), uint64_t(t.last()), uint64_t(t.rows()), t.last()));
    return Layout(layout);
}

// The largest power of two that divides the address, as far as anybody asks.
uint32_t alignment_of(const Tensor& t) {
    const auto address = reinterpret_cast<uintptr_t>(t.data);
    uint32_t alignment = 256;
    while (address % alignment) alignment /= 2;
    return alignment;
}

// A way to compute products of one kind: everything that does not change from one call to the next.
struct Way {
    Operation operation;
    Layout first, second, result;
    cublasLtMatmulAlgo_t algorithm;
};

template <class Value>
void set(cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t what, Value value) {
    CUDA_CHECK(cublasLtMatmulDescSetAttribute(d, what, &value, sizeof value));
}
template <class Value>
void set(cublasLtMatmulPreference_t p, cublasLtMatmulPreferenceAttributes_t what, Value value) {
    CUDA_CHECK(cublasLtMatmulPreferenceSetAttribute(p, what, &value, sizeof value));
}

Way find_way(const Product& p, size_t room) {
    Way way;
    cublasLtMatmulDesc_t operation;
    CUDA_CHECK(cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    way.operation.reset(operation);
    set(operation, CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(operation, CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (p.bias) {
        set(operation, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
        set(operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type_of(p.bias));
        set(operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(p.bias.data));
    }
    way.first = layout_of(p.b);
    way.second = layout_of(p.a);
    way.result = layout_of(p.c);

    cublasLtMatmulPreference_t preference;
    CUDA_CHECK(cublasLtMatmulPreferenceCreate(&preference));
    const Preference owner(preference);
    set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, room);
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(p.b));
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(p.a));
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(p.c));
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(p.c));
    cublasLtMatmulHeuristicResult_t found;
    int count = 0;
    CUDA_CHECK(cublasLtMatmulAlgoGetHeuristic(device().matrices, operation, way.first.get(), way.second.get(),
                                              way.result.get(), way.result.get(), preference, 1, &found, &count));
    CHECK(count == 1, "cuBLASLt knows no algorithm for a product");
    way.algorithm = found.algo;
    return way;
}

using Key = std::array<int64_t, 14>;
Key key_of(const Product& p, size_t room) {
    return {p.c.rows(),           p.c.last(),         p.transpose_a ? p.a.rows() : p.a.last(),
            int64_t(p.c.dtype),   int64_t(p.a.dtype), p.transpose_a,
            p.transpose_b,        bool(p.bias),       p.accumulate,
            alignment_of(p.a),    alignment_of(p.b),  alignment_of(p.c),
            alignment_of(p.bias), int64_t(room)};
}

Way& way_of(const Product& p, size_t room) {
    static std::map<Key, Way> known;
    const Key key = key_of(p, room);
    const auto found = known.find(key);
    return found != known.end() ? found->second : known.emplace(key, find_way(p, room)).first->second;
}

}  // namespace

void product(const Product& p, Stream stream) {
    if (p.c.size() == 0) return;
    if (p.a.size() == 0) {
        CHECK(p.accumulate, "a product over no elements");
        return;
    }
    Way& way = way_of(p, stream.room_bytes);
    if (p.bias) set(way.operation.get(), CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(p.bias.data));
    const float alpha = p.alpha, beta = p.accumulate ? 1.f : 0.f;
    CUDA_CHECK(cublasLtMatmul(device().matrices, way.operation.get(), &alpha, p.b.data, way.first.get(), p.a.data,
                              way.second.get(), &beta, p.c.data, way.result.get(), p.c.data, way.result.get(),
                              &way.algorithm, stream.room, stream.room_bytes,
                              static_cast<cudaStream_t>(stream.handle)));
}

size_t product_room() { return cuda_product_room; }

}  // namespace gradus::cuda
