// cuBLASLt's functions that gradus calls, under their own names. The first call loads the library: it takes 0.1 s to load, on a machine
// without a GPU too (half a gigabyte, 350,000 relocations), and most commands compute on the CPU.
#include <cublasLt.h>
#include <dlfcn.h>

#include <string>

#include "engine/base/error.h"

namespace {

const std::string soname = "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR);

// Where the loader looks for libraries, or else where the build found it.
void* library() {
    static void* const handle = [] {
        void* found = dlopen(soname.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!found) found = dlopen(CUBLASLT_FILE, RTLD_NOW | RTLD_LOCAL);
        if (!found)
            throw gradus::Error(soname + " cannot be loaded", dlerror(),
                                "install cuBLAS of CUDA " + std::to_string(CUBLAS_VER_MAJOR) +
                                    ", and name its folder in LD_LIBRARY_PATH");
        return found;
    }();
    return handle;
}

// The library's function of the name and the type of one of ours.
template <class Function>
Function* in_library(Function*, const char* name) {
    void* const found = dlsym(library(), name);
    if (!found)
        throw gradus::Error(soname + " has no " + name, dlerror(), "install the cuBLAS that gradus was built with");
    return reinterpret_cast<Function*>(found);
}

}  // namespace

#define FORWARD(function, ...)                                      \
    static auto* const loaded = in_library(&(function), #function); \
    return loaded(__VA_ARGS__)

extern "C" {

size_t cublasLtGetVersion() { FORWARD(cublasLtGetVersion); }

const char* cublasLtGetStatusString(cublasStatus_t status) { FORWARD(cublasLtGetStatusString, status); }

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) { FORWARD(cublasLtCreate, handle); }

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, uint64_t rows,
                                          uint64_t columns, int64_t stride) {
    FORWARD(cublasLtMatrixLayoutCreate, layout, type, rows, columns, stride);
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
    FORWARD(cublasLtMatrixLayoutDestroy, layout);
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute, cudaDataType_t scale) {
    FORWARD(cublasLtMatmulDescCreate, desc, compute, scale);
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) { FORWARD(cublasLtMatmulDescDestroy, desc); }

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t name,
                                              const void* value, size_t bytes) {
    FORWARD(cublasLtMatmulDescSetAttribute, desc, name, value, bytes);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
    FORWARD(cublasLtMatmulPreferenceCreate, preference);
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
    FORWARD(cublasLtMatmulPreferenceDestroy, preference);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t name, const void* value,
                                                    size_t bytes) {
    FORWARD(cublasLtMatmulPreferenceSetAttribute, preference, name, value, bytes);
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t* results, int* found) {
    FORWARD(cublasLtMatmulAlgoGetHeuristic, handle, desc, a, b, c, d, preference, wanted, results, found);
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algorithm, void* workspace,
                              size_t workspace_bytes, cudaStream_t stream) {
    FORWARD(cublasLtMatmul, handle, desc, alpha, a, a_layout, b, b_layout, beta, c, c_layout, d, d_layout, algorithm,
            workspace, workspace_bytes, stream);
}
}
