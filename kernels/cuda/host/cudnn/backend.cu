#include "kernels/cuda/host/cudnn/backend.h"

namespace gradus::cuda {

namespace {

std::string last_error() {
    std::array<char, 4096> text = {};
    cudnnGetLastErrorString(text.data(), text.size());
    return text.data();
}

}  // namespace

void check(cudnnStatus_t status, const char* call, const char* file, int line) {
    if (status == CUDNN_STATUS_SUCCESS) return;
    throw Error("cuDNN failed: " + std::string(cudnnGetErrorString(status)) + "; " + last_error(),
                std::string(file) + ":" + std::to_string(line) + ": " + call,
                "again with CUDNN_LOGLEVEL_DBG=2 CUDNN_LOGDEST_DBG=stderr to see why");
}

CudnnDescriptor::CudnnDescriptor(cudnnBackendDescriptorType_t type) {
    cudnnBackendDescriptor_t d = nullptr;
    CUDNN_CHECK(cudnnBackendCreateDescriptor(type, &d));
    owner_.reset(d);
}

CudnnDims contiguous(const CudnnDims& dims) {
    CudnnDims strides(dims.size(), 1);
    for (size_t i = dims.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * dims[i];
    return strides;
}

int CudnnGraph::tensor(CudnnTensor t) {
    constexpr int64_t alignment = 16;
    const auto id = int64_t(tensors_.size());
    CudnnDescriptor d(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    d.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, id)
        .set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, t.type)
        .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, alignment)
        .set_list(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, t.dims)
        .set_list(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, t.strides)
        .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, t.is_virtual)
        .set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, t.by_value)
        .finalize();
    tensors_.push_back(std::move(t));
    descriptors_.push_back(std::move(d));
    return int(id);
}

int CudnnGraph::number() { return tensor({.dims = {1, 1, 1, 1}, .strides = {1, 1, 1, 1}, .by_value = true}); }

int CudnnGraph::like(int x, cudnnDataType_t type) {
    return tensor({.type = type, .dims = of(x).dims, .strides = contiguous(of(x).dims), .is_virtual = true});
}

CudnnDescriptor& CudnnGraph::operation(cudnnBackendDescriptorType_t type) { return operations_.emplace_back(type); }

void CudnnGraph::add_pointwise(const Pointwise& p, int y, int x, int b, int t) {
    CudnnDescriptor what(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    what.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, p.mode)
        .set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, p.math);
    if (p.axis >= 0) what.set(CUDNN_ATTR_POINTWISE_AXIS, CUDNN_TYPE_INT64, p.axis);
    what.finalize();
    CudnnDescriptor& op = operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    op.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, what)
        .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, descriptor(x))
        .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, descriptor(y));
    if (b >= 0) op.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, descriptor(b));
    if (t >= 0) op.set(CUDNN_ATTR_OPERATION_POINTWISE_TDESC, descriptor(t));
    op.finalize();
}

void CudnnGraph::pointwise_into(cudnnPointwiseMode_t mode, int y, int x, int b) { add_pointwise({mode}, y, x, b); }
int CudnnGraph::pointwise(cudnnPointwiseMode_t mode, int x, int b, cudnnDataType_t type) {
    const int y = like(x, type);
    add_pointwise({mode}, y, x, b);
    return y;
}

void CudnnGraph::matmul_into(int c, int a, int b) {
    CudnnDescriptor what(CUDNN_BACKEND_MATMUL_DESCRIPTOR);
    what.set(CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT).finalize();
    operation(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR)
        .set(CUDNN_ATTR_OPERATION_MATMUL_ADESC, descriptor(a))
        .set(CUDNN_ATTR_OPERATION_MATMUL_BDESC, descriptor(b))
        .set(CUDNN_ATTR_OPERATION_MATMUL_CDESC, descriptor(c))
        .set(CUDNN_ATTR_OPERATION_MATMUL_DESC, what)
        .finalize();
}

int CudnnGraph::matmul(int a, int b, cudnnDataType_t type) {
    const CudnnDims &of_a = of(a).dims, &of_b = of(b).dims;
    const CudnnDims dims = {of_a[0], of_a[1], of_a[2], of_b[3]};
    const int c = tensor({.type = type, .dims = dims, .strides = contiguous(dims), .is_virtual = true});
    matmul_into(c, a, b);
    return c;
}

void CudnnGraph::reduce_into(cudnnReduceTensorOp_t sum, int y, int x) {
    CudnnDescriptor what(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
    what.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, sum)
        .set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT)
        .finalize();
    operation(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR)
        .set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, what)
        .set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, descriptor(x))
        .set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, descriptor(y))
        .finalize();
}

int CudnnGraph::reduce(cudnnReduceTensorOp_t sum, int x, const CudnnDims& to) {
    const int y = tensor({.dims = to, .strides = contiguous(to), .is_virtual = true});
    reduce_into(sum, y, x);
    return y;
}

int CudnnGraph::transpose(int x, cudnnDataType_t type) {
    CudnnTensor t = {.type = type, .dims = of(x).dims, .strides = of(x).strides, .is_virtual = true};
    std::swap(t.dims[2], t.dims[3]);
    std::swap(t.strides[2], t.strides[3]);
    const int y = tensor(std::move(t));
    operation(CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR)
        .set(CUDNN_ATTR_OPERATION_RESHAPE_XDESC, descriptor(x))
        .set(CUDNN_ATTR_OPERATION_RESHAPE_YDESC, descriptor(y))
        .finalize();
    return y;
}

int CudnnGraph::causal(int scores, int lowest) {
    constexpr int64_t rows = 2, columns = 3;
    const int query = like(scores, CUDNN_DATA_INT32), key = like(scores, CUDNN_DATA_INT32),
              kept = like(scores, CUDNN_DATA_BOOLEAN), masked = like(scores, CUDNN_DATA_FLOAT);
    add_pointwise({.mode = CUDNN_POINTWISE_GEN_INDEX, .axis = rows}, query, scores);
    add_pointwise({.mode = CUDNN_POINTWISE_GEN_INDEX, .axis = columns}, key, scores);
    add_pointwise({.mode = CUDNN_POINTWISE_CMP_GE, .math = CUDNN_DATA_BOOLEAN}, kept, query, key);
    add_pointwise({.mode = CUDNN_POINTWISE_BINARY_SELECT}, masked, scores, lowest, kept);
    return masked;
}

namespace {

std::vector<cudnnBackendDescriptor_t> handles_of(const std::vector<CudnnDescriptor>& all) {
    std::vector<cudnnBackendDescriptor_t> handles;
    for (const CudnnDescriptor& d : all) handles.push_back(d.get());
    return handles;
}

}  // namespace

CudnnPlan::CudnnPlan(const CudnnGraph& g, const CudnnDescriptor& device) {
    find(g, device);
    if (!exists()) reasons_ = last_error();
}

void CudnnPlan::find(const CudnnGraph& g, const CudnnDescriptor& device) {
    CudnnDescriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph.set_list(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, handles_of(g.operations()));
    if (cudnnBackendFinalize(graph.get()) != CUDNN_STATUS_SUCCESS) return;

    CudnnDescriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph)
        .set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, CUDNN_HEUR_MODE_A)
        .set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, device);
    if (cudnnBackendFinalize(heuristics.get()) != CUDNN_STATUS_SUCCESS) return;
    int64_t count = 0;
    CUDNN_CHECK(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                         0, &count, nullptr));
    std::vector<CudnnDescriptor> engines;
    for (int64_t i = 0; i < count; ++i) engines.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    std::vector<cudnnBackendDescriptor_t> handles = handles_of(engines);
    CUDNN_CHECK(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                         count, &count, handles.data()));
    for (int64_t i = 0; i < count; ++i) {
        auto plan = std::make_unique<CudnnDescriptor>(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        plan->set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, engines[size_t(i)])
            .set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device);
        if (cudnnBackendFinalize(plan->get()) != CUDNN_STATUS_SUCCESS) continue;
        int64_t bytes = 0;
        CUDNN_CHECK(cudnnBackendGetAttribute(plan->get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1,
                                             nullptr, &bytes));
        workspace_ = size_t(bytes);
        plan_ = std::move(plan);
        return;
    }
}

void CudnnPlan::run(cudnnHandle_t handle, const std::map<int, void*>& addresses, void* workspace) const {
    std::vector<int64_t> ids;
    std::vector<void*> pointers;
    for (const auto& [id, address] : addresses) {
        ids.push_back(id);
        pointers.push_back(address);
    }
    CudnnDescriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set_list(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, ids)
        .set_list(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, pointers)
        .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace)
        .finalize();
    CUDNN_CHECK(cudnnBackendExecute(handle, plan_->get(), pack.get()));
}

}  // namespace gradus::cuda
