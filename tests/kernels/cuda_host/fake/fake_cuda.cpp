#include "tests/kernels/cuda_host/fake/fake_cuda.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>

#include <cuda.h>

#include "kernels/cuda/device_ops.h"

using gradus::test::fake;

struct CUevent_st {
    unsigned flags;
    double at;
};
struct CUgraph_st {
    std::vector<std::function<void()>> work;
};
struct CUgraphExec_st {
    std::vector<std::function<void()>> work;
};
struct CUstream_st {
    int priority;
    bool captures = false, invalid = false;
    CUgraph_st captured = {};

    // Records the work in a capture; else does it.
    cudaError_t take(const std::function<void()>& work) {
        gradus::test::fake().used.push_back(this);
        if (captures) captured.work.push_back(work);
        else work();
        return cudaSuccess;
    }
};
struct cublasLtMatrixLayoutOpaque_t {
    uint64_t rows, columns;
    int64_t leading;
};
struct cublasLtMatmulDescOpaque_t {
    cublasOperation_t a = CUBLAS_OP_N, b = CUBLAS_OP_N;
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    const float* bias = nullptr;
    float* auxiliary = nullptr;
    int64_t auxiliary_leading = 0;
};
struct cublasLtMatmulPreferenceOpaque_t {};

namespace gradus::test {

FakeCuda& fake() {
    static FakeCuda of_this_process;
    return of_this_process;
}
int priority_of(cudaStream_t s) { return s->priority; }

}  // namespace gradus::test

namespace {
thread_local CUstream_st* capturing = nullptr;  // by this thread
}

// This test does not link the ops.
const gradus::Ops& gradus::cuda::table() {
    static const Ops none = {};
    return none;
}

// ---- the device -----------------------------------------------------------------------------------------------------

const char* cudaGetErrorString(cudaError_t) { return "an error of the fake CUDA"; }
cudaError_t cudaGetLastError() { return cudaSuccess; }
cudaError_t cudaGetDeviceCount(int* n) { return *n = 1, cudaSuccess; }
cudaError_t cudaDriverGetVersion(int* v) { return *v = 13000, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int* v) { return *v = 13000, cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
    *p = {"a fake GPU", 9, 0, 132, 228 << 10};
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, void (*)()) { return cudaSuccess; }
cudaError_t cudaDeviceGetPCIBusId(char* text, int, int) { return std::strcpy(text, "0000:00:00.0"), cudaSuccess; }

namespace {

CUresult encode(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* data, const cuuint64_t* extents,
                const cuuint64_t* strides, const cuuint32_t* box, const cuuint32_t* steps, CUtensorMapInterleave,
                CUtensorMapSwizzle swizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill) {
    *map = {type, rank, data, {}, {}, {}, {}, swizzle};
    std::copy_n(extents, rank, map->extents);
    std::copy_n(strides, rank - 1, map->strides);
    std::copy_n(box, rank, map->box);
    std::copy_n(steps, rank, map->steps);
    return CUDA_SUCCESS;
}

}  // namespace

cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
    const bool known = std::strcmp(name, "cuTensorMapEncodeTiled") == 0;
    *function = known ? reinterpret_cast<void*>(encode) : nullptr;
    *result = known ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
    return cudaSuccess;
}

// ---- memory ---------------------------------------------------------------------------------------------------------

cudaError_t cudaMalloc(void** p, size_t n) {
    if (capturing) {
        capturing->invalid = true;
        return cudaErrorStreamCaptureUnsupported;
    }
    return (*p = std::malloc(n)) ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFree(void* p) { return std::free(p), cudaSuccess; }
cudaError_t cudaMallocHost(void** p, size_t n) { return cudaMalloc(p, n); }
cudaError_t cudaFreeHost(void* p) { return cudaFree(p); }
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) { return *free = *total = size_t(1) << 30, cudaSuccess; }
cudaError_t cudaMemsetAsync(void* p, int value, size_t n, cudaStream_t s) {
    return s->take([=] { std::memset(p, value, n); });
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t n, cudaMemcpyKind, cudaStream_t s) {
    return s->take([=] { std::memcpy(to, from, n); });
}

// ---- streams and events ---------------------------------------------------------------------------------------------

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
    *least = fake().least_priority;
    *greatest = fake().greatest_priority;
    return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* s, unsigned flags, int priority) {
    *s = new CUstream_st{priority};
    fake().stream_flags = flags;
    fake().priority = priority;
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t s) { return delete s, cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t s) {
    if (!s->captures) return cudaSuccess;
    s->invalid = true;
    return cudaErrorStreamCaptureUnsupported;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t* e) { return cudaEventCreateWithFlags(e, 0); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned flags) {
    *e = new CUevent_st{flags, 0};
    fake().event_flags = flags;
    return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t e) { return delete e, cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t) { return e->at = fake().clock, cudaSuccess; }
cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t from, cudaEvent_t to) {
    if ((from->flags | to->flags) & cudaEventDisableTiming) return cudaErrorInvalidValue;
    *ms = float(to->at - from->at);
    return cudaSuccess;
}

// ---- graphs ---------------------------------------------------------------------------------------------------------

cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode mode) {
    fake().capture_mode = mode;
    s->captures = true;
    capturing = s;
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t* graph) {
    capturing = nullptr;
    s->captures = false;
    CUgraph_st captured = std::exchange(s->captured, {});
    if (std::exchange(s->invalid, false)) return *graph = nullptr, cudaErrorStreamCaptureInvalidated;
    *graph = new CUgraph_st(std::move(captured));
    ++fake().graphs;
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* e, cudaGraph_t graph, unsigned long long) {
    if (fake().instantiation != cudaSuccess) return fake().instantiation;
    *e = new CUgraphExec_st{graph->work};
    ++fake().executables;
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    --fake().graphs;
    return delete graph, cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t e, cudaStream_t s) {
    fake().used.push_back(s);
    for (const auto& work : e->work) work();
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t e) {
    --fake().executables;
    return delete e, cudaSuccess;
}

// ---- cuBLASLt -------------------------------------------------------------------------------------------------------

size_t cublasLtGetVersion() { return fake().version; }
const char* cublasLtGetStatusString(cublasStatus_t) { return "a status of the fake cuBLASLt"; }
cublasStatus_t cublasLtCreate(cublasLtHandle_t*) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* d, cublasComputeType_t compute, cudaDataType) {
    fake().compute = compute;
    return *d = new cublasLtMatmulDescOpaque_t, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t what,
                                              const void* value, size_t size) {
    if (what == CUBLASLT_MATMUL_DESC_TRANSA) std::memcpy(&d->a, value, size);
    if (what == CUBLASLT_MATMUL_DESC_TRANSB) std::memcpy(&d->b, value, size);
    if (what == CUBLASLT_MATMUL_DESC_EPILOGUE) std::memcpy(&d->epilogue, value, size);
    if (what == CUBLASLT_MATMUL_DESC_BIAS_POINTER) std::memcpy(&d->bias, value, size);
    if (what == CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER) std::memcpy(&d->auxiliary, value, size);
    if (what == CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD) std::memcpy(&d->auxiliary_leading, value, size);
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d) { return delete d, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* l, cudaDataType, uint64_t rows, uint64_t columns,
                                          int64_t leading) {
    return *l = new cublasLtMatrixLayoutOpaque_t{rows, columns, leading}, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t l) { return delete l, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* p) {
    return *p = new cublasLtMatmulPreferenceOpaque_t, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t,
                                                    const void*, size_t) {
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p) { return delete p, CUBLAS_STATUS_SUCCESS; }

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t, int most,
                                              cublasLtMatmulHeuristicResult_t* found, int* count) {
    fake().asked_for = most;
    fake().epilogue = operation->epilogue;
    if (operation->epilogue & 128 && !fake().activates) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (fake().heuristics != CUBLAS_STATUS_SUCCESS) return fake().heuristics;  // count is not written
    *count = most < fake().offers ? most : fake().offers;
    for (int i = 0; i < *count; ++i)
        found[i] = {{{uint64_t(i)}}, 0, fake().warns.contains(i) ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t operation, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t of_a, const void* b, cublasLtMatrixLayout_t of_b, const void* beta,
                              const void* c, cublasLtMatrixLayout_t, void* d, cublasLtMatrixLayout_t of_d,
                              const cublasLtMatmulAlgo_t* algorithm, void*, size_t, cudaStream_t s) {
    const int number = int(algorithm->data[0]);
    if (fake().rejects.contains(number)) return fake().used.push_back(s), fake().refusal;
    const float scale = *static_cast<const float*>(alpha), share = *static_cast<const float*>(beta);
    s->take([=, operation = *operation] {
        fake().ran.push_back(number);
        fake().clock += fake().milliseconds[size_t(number)];
        const auto at = [](const void* m, cublasLtMatrixLayout_t of, bool transposed, uint64_t row, uint64_t column) {
            return static_cast<const float*>(
                m)[transposed ? column + row * uint64_t(of->leading) : row + column * uint64_t(of->leading)];
        };
        const bool a_transposed = operation.a == CUBLAS_OP_T, b_transposed = operation.b == CUBLAS_OP_T;
        const uint64_t K = a_transposed ? of_a->rows : of_a->columns;
        for (uint64_t i = 0; i < of_d->rows; ++i)
            for (uint64_t j = 0; j < of_d->columns; ++j) {
                float sum = 0;
                for (uint64_t k = 0; k < K; ++k)
                    sum += at(a, of_a, a_transposed, i, k) * at(b, of_b, b_transposed, k, j);
                sum *= scale;
                if (share != 0) sum += share * at(c, of_d, false, i, j);
                if (operation.epilogue & 4) sum += operation.bias[i];
                if (operation.epilogue & 128) {  // instead of GELU: doubling; of its derivative: the argument itself
                    float& before = operation.auxiliary[i + j * uint64_t(operation.auxiliary_leading)];
                    if (operation.epilogue & 32) sum = 2 * (before = sum);
                    else sum *= before;
                }
                static_cast<float*>(d)[i + j * uint64_t(of_d->leading)] = sum;
            }
    });
    return CUBLAS_STATUS_SUCCESS;
}
