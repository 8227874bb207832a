#pragma once
// The GPU of this process, chosen once, before any other CUDA call.
#include <cublasLt.h>
#include <cuda_runtime.h>

#include <string>

#include "kernels/tensor.h"

namespace gradus::cuda {

struct Device {
    int number = -1;
    std::string name;    // "NVIDIA H100 80GB HBM3"
    int capability = 0;  // 90: compute capability 9.0
    int multiprocessors = 0;
    size_t shared_memory = 0;  // bytes of a multiprocessor
    cublasLtHandle_t matrices = nullptr;
    cudaStream_t stream = nullptr;  // the compute stream: a created stream, never CUDA's default stream
};

// Makes GPU `number` the GPU of this process. Error: no driver, no such GPU, a GPU that is too old or that this build has no code
// for. A second call must have the same number, and does nothing.
void open_device(int number);
const Device& device();  // CHECKs that open_device() was called
cudaStream_t stream_of(Stream);

// Throws an Error if a CUDA call failed. The failure of a kernel is reported by the next call that waits for it.
void check(cudaError_t, const char* call, const char* file, int line);
void check(cublasStatus_t, const char* call, const char* file, int line);
#define CUDA_CHECK(call) ::gradus::cuda::check((call), #call, __FILE__, __LINE__)

}  // namespace gradus::cuda
