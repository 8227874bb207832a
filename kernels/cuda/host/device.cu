#include "kernels/cuda/host/device.h"

#include <cstdlib>

#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/host/library.h"
#include "kernels/cuda/memory.h"
#include "kernels/ops.h"

namespace gradus {

namespace cuda {

namespace {

constexpr int min_capability = 80;  // Ampere: bf16 arithmetic, asynchronous copies

// Its attributes tell whether this build has code for the GPU.
__global__ void probe() {}

Device& the_device() {
    static Device device;
    return device;
}

std::string text_of_version(int version) {  // 13000
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// For messages: the value of CUDA_VISIBLE_DEVICES, if it is set.
std::string visible() {
    const char* list = std::getenv("CUDA_VISIBLE_DEVICES");
    return list ? std::string("; CUDA_VISIBLE_DEVICES=") + list : std::string();
}

std::string text_of(const cudaDeviceProp& p, int number) {
    return "GPU " + std::to_string(number) + " is " + p.name + " of compute capability " + std::to_string(p.major) +
           "." + std::to_string(p.minor);
}

const char* const or_the_cpu = "; or the CPU: --device cpu, or in training --set train.device=cpu";

int count_or_throw() {
    int count = 0, driver = 0, build = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status == cudaSuccess && count > 0) return count;
    cudaGetLastError();
    if (cudaDriverGetVersion(&driver) != cudaSuccess) driver = 0;
    if (cudaRuntimeGetVersion(&build) != cudaSuccess) build = 0;
    if (driver == 0)
        throw Error("this machine has no NVIDIA driver", "CUDA says: " + std::string(cudaGetErrorString(status)),
                    std::string("install the driver of the GPU") + or_the_cpu);
    if (status == cudaErrorInsufficientDriver || driver / 1000 < build / 1000)
        throw Error("the NVIDIA driver is too old for this build",
                    "it supports CUDA " + text_of_version(driver) + ", the build uses CUDA " + text_of_version(build),
                    "a newer driver, or a build with the toolkit of CUDA " + text_of_version(driver) + or_the_cpu);
    if (status == cudaErrorNoDevice || status == cudaSuccess)
        throw Error("there is no GPU to compute on", "CUDA finds none on this machine" + visible(),
                    std::string("look at nvidia-smi and CUDA_VISIBLE_DEVICES") + or_the_cpu);
    throw Error("the GPUs of this machine cannot be used", "CUDA says: " + std::string(cudaGetErrorString(status)),
                std::string("look at nvidia-smi") + or_the_cpu);
}

}  // namespace

void check(cudaError_t status, const char* call, const char* file, int line) {
    if (status == cudaSuccess) return;
    cudaGetLastError();
    const std::string cause = std::string(file) + ":" + std::to_string(line) + ": " + call;
    throw Error("the GPU failed: " + std::string(cudaGetErrorString(status)), cause,
                "again with CUDA_LAUNCH_BLOCKING=1 to find the launch, or under compute-sanitizer to find the access");
}

void check(cublasStatus_t status, const char* call, const char* file, int line) {
    if (status == CUBLAS_STATUS_SUCCESS) return;
    throw Error("cuBLASLt failed: " + std::string(cublasLtGetStatusString(status)),
                std::string(file) + ":" + std::to_string(line) + ": " + call,
                "again with CUBLASLT_LOG_LEVEL=2 to see what it was asked for");
}

void open_device(int number) {
    Device& d = the_device();
    CHECK(d.number < 0 || d.number == number, "a process computes on one GPU");
    if (d.number == number) return;

    const int count = count_or_throw();
    if (number < 0 || number >= count)
        throw Error("there is no GPU " + std::to_string(number),
                    "CUDA shows this process " + std::to_string(count) + (count == 1 ? " GPU" : " GPUs") +
                        ", counted from 0" + visible(),
                    "as many ranks on a host as it has GPUs, or --set mesh.comm=mpi to share them; see docs/launch.md");
    cudaDeviceProp properties;
    CUDA_CHECK(cudaGetDeviceProperties(&properties, number));
    d.capability = properties.major * 10 + properties.minor;
    if (d.capability < min_capability)
        throw Error("GPU " + std::to_string(number) + " is too old for gradus",
                    text_of(properties, number) + ", and the kernels need 8.0",
                    std::string("choose another with CUDA_VISIBLE_DEVICES") + or_the_cpu);
    CUDA_CHECK(cudaSetDevice(number));
    cudaFuncAttributes attributes;
    const cudaError_t code = cudaFuncGetAttributes(&attributes, probe);
    if (code == cudaErrorNoKernelImageForDevice || code == cudaErrorUnsupportedPtxVersion ||
        code == cudaErrorInvalidDeviceFunction) {
        cudaGetLastError();
        throw Error("this build has no code for GPU " + std::to_string(number),
                    text_of(properties, number) + ", which is not among the build's CMAKE_CUDA_ARCHITECTURES",
                    "cmake --preset cuda -DCMAKE_CUDA_ARCHITECTURES=native && cmake --build --preset cuda");
    }
    CUDA_CHECK(code);
    d.name = properties.name;
    d.multiprocessors = properties.multiProcessorCount;
    d.shared_memory = properties.sharedMemPerMultiprocessor;
    CUDA_CHECK(cublasLtCreate(&d.matrices));
    int least, greatest;
    CUDA_CHECK(cudaDeviceGetStreamPriorityRange(&least, &greatest));
    CUDA_CHECK(cudaStreamCreateWithPriority(&d.stream, cudaStreamNonBlocking, least));
    d.number = number;
}

cudaStream_t stream_of(Stream s) { return s.handle ? static_cast<cudaStream_t>(s.handle) : device().stream; }

const Device& device() {
    CHECK(the_device().number >= 0, "cuda_ops() must be called first");
    return the_device();
}

}  // namespace cuda

const Ops& cuda_ops(int number) {
    cuda::open_device(number);
    return cuda::with_libraries(cuda::table());
}

int cuda_capability() { return cuda::device().capability; }

std::string cuda_address(int number) {
    char address[32] = "";
    CUDA_CHECK(cudaDeviceGetPCIBusId(address, sizeof address, number));
    return address;
}

int cuda_devices() {
    int count = 0;
    if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
    cudaGetLastError();
    return 0;
}

}  // namespace gradus
