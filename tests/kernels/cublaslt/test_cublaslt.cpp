// kernels/cuda/host/cublaslt/cublaslt.cpp, with the library itself: what it answers without a GPU.
#include <cublasLt.h>
#include <dlfcn.h>

#include <catch2/catch.hpp>
#include <string>

TEST_CASE("cuBLASLt is loaded by the first call, not before") {
    const std::string name = "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR);
    REQUIRE(dlopen(name.c_str(), RTLD_NOW | RTLD_NOLOAD) == nullptr);
    REQUIRE(cublasLtGetVersion() / 10000 == CUBLAS_VER_MAJOR);
    REQUIRE(dlopen(name.c_str(), RTLD_NOW | RTLD_NOLOAD) != nullptr);
}

TEST_CASE("a call of cuBLASLt reaches the library with all its arguments") {
    REQUIRE(std::string(cublasLtGetStatusString(CUBLAS_STATUS_NOT_SUPPORTED)) ==
            "the requested functionality is not supported");

    cublasLtMatrixLayout_t layout = nullptr;
    REQUIRE(cublasLtMatrixLayoutCreate(&layout, CUDA_R_16BF, 48, 32, 64) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatrixLayoutDestroy(layout) == CUBLAS_STATUS_SUCCESS);

    cublasLtMatmulDesc_t desc = nullptr;
    REQUIRE(cublasLtMatmulDescCreate(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F) == CUBLAS_STATUS_SUCCESS);
    const cublasOperation_t transposed = CUBLAS_OP_T;
    REQUIRE(cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof(transposed)) ==
            CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, 1) ==
            CUBLAS_STATUS_INVALID_VALUE);
    REQUIRE(cublasLtMatmulDescDestroy(desc) == CUBLAS_STATUS_SUCCESS);

    cublasLtMatmulPreference_t preference = nullptr;
    REQUIRE(cublasLtMatmulPreferenceCreate(&preference) == CUBLAS_STATUS_SUCCESS);
    const size_t bytes = 1 << 20;
    REQUIRE(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
                                                 sizeof(bytes)) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatmulPreferenceDestroy(preference) == CUBLAS_STATUS_SUCCESS);
}
