#pragma once
// The GPU that this process computes on: chosen once, before anything else of CUDA is called.
#include <cublasLt.h>
#include <cuda_runtime.h>

#include <string>

#include "kernels/tensor.h"

namespace gradus::cuda {

struct Device {
    int number = -1;
    std::string name;    // "NVIDIA H100 80GB HBM3"
    int capability = 0;  // 90: compute capability 9.0
    cublasLtHandle_t matrices = nullptr;
    cudaStream_t stream = nullptr;  // where work goes that names no other: made, never CUDA's default stream
};

// Makes GPU `number` the one of this process. Error that says what to do where there is no driver, no such GPU, one that
// is too old, or one that this build has no code for. The same number again does nothing; another one is a broken promise.
void open_device(int number);
const Device& device();  // CHECKs that one is open
cudaStream_t stream_of(Stream);

// Throws the Error that a failed call of CUDA means. A kernel that failed is told by the next call that waits for it.
void check(cudaError_t, const char* call, const char* file, int line);
void check(cublasStatus_t, const char* call, const char* file, int line);
#define CUDA_CHECK(call) ::gradus::cuda::check((call), #call, __FILE__, __LINE__)

}  // namespace gradus::cuda
