#pragma once
// Graphs of operations of cuDNN's backend API: an owner of a descriptor, tensors, operations and the plan that runs a graph.
//
//   CudnnGraph g;
//   const int x = g.tensor({.type = CUDNN_DATA_BFLOAT16, .dims = {B, H, T, D}, .strides = {…}});   a tensor in memory
//   const int y = g.pointwise(CUDNN_POINTWISE_EXP, x);                                            an intermediate value
//   const CudnnPlan plan(g, device);
//   plan.run(handle, {{x, address}, …}, workspace);
//
// A graph is declared in full, then planned once; a plan runs many times. Source: NVIDIA, cuDNN 9 backend API reference.
#include <cudnn.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/error.h"

namespace gradus::cuda {

void check(cudnnStatus_t, const char* call, const char* file, int line);
#define CUDNN_CHECK(call) ::gradus::cuda::check((call), #call, __FILE__, __LINE__)

class CudnnDescriptor {
public:
    explicit CudnnDescriptor(cudnnBackendDescriptorType_t);

    template <class Value>
    CudnnDescriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, const Value& value) {
        CUDNN_CHECK(cudnnBackendSetAttribute(get(), name, type, 1, &value));
        return *this;
    }
    template <class Value>
    CudnnDescriptor& set_list(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                              const std::vector<Value>& values) {
        CUDNN_CHECK(cudnnBackendSetAttribute(get(), name, type, int64_t(values.size()), values.data()));
        return *this;
    }
    CudnnDescriptor& set(cudnnBackendAttributeName_t name, const CudnnDescriptor& other) {
        return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, other.get());
    }
    CudnnDescriptor& finalize() {
        CUDNN_CHECK(cudnnBackendFinalize(get()));
        return *this;
    }
    cudnnBackendDescriptor_t get() const { return owner_.get(); }

private:
    struct Destroy {
        void operator()(cudnnBackendDescriptor_t d) const { cudnnBackendDestroyDescriptor(d); }
    };
    std::unique_ptr<std::remove_pointer_t<cudnnBackendDescriptor_t>, Destroy> owner_;
};

using CudnnDims = std::vector<int64_t>;

struct CudnnTensor {
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
    CudnnDims dims, strides;  // in elements
    bool is_virtual = false;  // an intermediate value, which is not in memory
    bool by_value = false;    // a number in host memory
};

// Row-major strides.
CudnnDims contiguous(const CudnnDims&);

class CudnnGraph {
public:
    // Each returns the id of its tensor. Intermediate values are f32 and contiguous unless `out` says otherwise.
    int tensor(CudnnTensor);
    int number();  // an f32 by value
    int pointwise(cudnnPointwiseMode_t, int x, int b = -1, cudnnDataType_t type = CUDNN_DATA_FLOAT);
    int matmul(int a, int b, cudnnDataType_t type = CUDNN_DATA_FLOAT);
    int reduce(cudnnReduceTensorOp_t, int x, const CudnnDims& to);
    int transpose(int x, cudnnDataType_t type);  // of the last two axes
    int causal(int scores, int lowest);          // lowest where the key comes after the query
    // The same with an output that exists.
    void pointwise_into(cudnnPointwiseMode_t, int y, int x, int b = -1);
    void matmul_into(int c, int a, int b);
    void reduce_into(cudnnReduceTensorOp_t, int y, int x);
    CudnnDescriptor& operation(cudnnBackendDescriptorType_t);  // any other, to be set and finalized by the caller
    const CudnnDescriptor& descriptor(int id) const { return descriptors_[size_t(id)]; }
    const std::vector<CudnnDescriptor>& operations() const { return operations_; }

private:
    struct Pointwise {
        cudnnPointwiseMode_t mode;
        cudnnDataType_t math = CUDNN_DATA_FLOAT;
        int64_t axis = -1;
    };
    void add_pointwise(const Pointwise&, int y, int x, int b = -1, int t = -1);
    int like(int x, cudnnDataType_t type);
    const CudnnTensor& of(int id) const { return tensors_[size_t(id)]; }

    std::vector<CudnnTensor> tensors_;
    std::vector<CudnnDescriptor> descriptors_;  // of the tensors, whose ids are their indices
    std::vector<CudnnDescriptor> operations_;
};

// The first engine that cuDNN's heuristics propose and that accepts the graph.
class CudnnPlan {
public:
    // `device`: a finalized descriptor of the device's properties.
    CudnnPlan(const CudnnGraph&, const CudnnDescriptor& device);

    bool exists() const { return plan_ != nullptr; }  // false: no engine accepts the graph, or there is no driver
    // Why not: cuDNN's reasons for each engine.
    const std::string& reasons() const { return reasons_; }
    size_t workspace() const { return workspace_; }  // bytes
    void run(cudnnHandle_t, const std::map<int, void*>& addresses, void* workspace) const;

private:
    void find(const CudnnGraph&, const CudnnDescriptor& device);

    std::unique_ptr<CudnnDescriptor> plan_;
    size_t workspace_ = 0;
    std::string reasons_;
};

}  // namespace gradus::cuda
