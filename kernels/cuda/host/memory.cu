// Memory, streams and events of kernels/ops.h with the CUDA runtime.
//
// All streams are created streams, ordered with others only by events. CUDA's default stream is not used, because graphs cannot
// be captured on it. The compute stream has the lowest priority, streams of make_stream() the highest: their work (exchanges
// between ranks) is small, other ranks wait for it, and it must not queue behind the many blocks of a matmul.
#include "kernels/cuda/memory.h"

#include <cstdio>

#include "kernels/cuda/host/device.h"
#include "kernels/tensor.h"

namespace gradus::cuda {

namespace {

std::string gib(size_t bytes) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f GiB", double(bytes) / double(size_t(1) << 30));
    return text;
}

cudaStream_t of(Stream s) { return stream_of(s); }
cudaEvent_t of(Event e) { return static_cast<cudaEvent_t>(e.handle); }

}  // namespace

void* allocate(size_t bytes) {
    void* memory = nullptr;
    const cudaError_t status = cudaMalloc(&memory, bytes ? bytes : 1);
    if (status == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        const DeviceMemory now = gradus::cuda::memory();
        throw Error("cannot allocate " + std::to_string(bytes) + " bytes (" + gib(bytes) + ") on the GPU",
                    gib(now.free) + " of its " + gib(now.total) +
                        " are free; nvidia-smi shows whether other programs hold the rest",
                    "--set train.micro_batch=1, --set train.recompute=true, or a smaller train.context; gradus plan "
                    "RECIPE says what takes the memory");
    }
    CUDA_CHECK(status);
    return memory;
}

// At exit the driver may be unloaded before the last arena is destroyed; then the memory is already free.
void release(void* memory, size_t) {
    const cudaError_t status = cudaFree(memory);
    if (status != cudaErrorCudartUnloading) CUDA_CHECK(status);
}

size_t shared_memory() { return device().shared_memory; }

void* allocate_host(size_t bytes) {
    void* memory = nullptr;
    const cudaError_t status = cudaMallocHost(&memory, bytes ? bytes : 1);
    if (status == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        throw Error("cannot pin " + std::to_string(bytes) + " bytes (" + gib(bytes) + ") of host memory",
                    "the machine is out of memory, or a limit of this process (ulimit -l) is too low",
                    "a smaller train.micro_batch, or raise the limit");
    }
    CUDA_CHECK(status);
    return memory;
}

void release_host(void* memory, size_t) {
    const cudaError_t status = cudaFreeHost(memory);
    if (status != cudaErrorCudartUnloading) CUDA_CHECK(status);
}

int capability() { return device().capability; }

int multiprocessors() { return device().multiprocessors; }

DeviceMemory memory() {
    DeviceMemory m;
    CUDA_CHECK(cudaMemGetInfo(&m.free, &m.total));
    return m;
}

void zero(void* memory, size_t bytes, Stream s) {
    if (bytes) CUDA_CHECK(cudaMemsetAsync(memory, 0, bytes, of(s)));
}
void copy_to_device(void* to, const void* from, size_t bytes, Stream s) {
    if (bytes) CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, of(s)));
}
void copy_to_host(void* to, const void* from, size_t bytes, Stream s) {
    if (bytes) CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, of(s)));
}
void copy(void* to, const void* from, size_t bytes, Stream s) {
    if (bytes) CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, of(s)));
}
void synchronise(Stream s) { CUDA_CHECK(cudaStreamSynchronize(of(s))); }

Stream compute_stream() { return {device().stream}; }

Stream make_stream() {
    int least, greatest;
    CUDA_CHECK(cudaDeviceGetStreamPriorityRange(&least, &greatest));
    cudaStream_t s;
    CUDA_CHECK(cudaStreamCreateWithPriority(&s, cudaStreamNonBlocking, greatest));
    return {s};
}
void release_stream(Stream s) { CUDA_CHECK(cudaStreamDestroy(of(s))); }

Event make_event() {
    cudaEvent_t e;
    CUDA_CHECK(cudaEventCreateWithFlags(&e, cudaEventDisableTiming));
    return {e};
}
Event make_timed_event() {
    cudaEvent_t e;
    CUDA_CHECK(cudaEventCreate(&e));
    return {e};
}
void release_event(Event e) { CUDA_CHECK(cudaEventDestroy(of(e))); }
void record(Event e, Stream s) { CUDA_CHECK(cudaEventRecord(of(e), of(s))); }
void wait(Stream s, Event e) { CUDA_CHECK(cudaStreamWaitEvent(of(s), of(e), 0)); }
// Watchdog threads call it too, and a thread without cudaSetDevice() would use the first GPU.
bool reached(Event e) {
    static thread_local const bool device_set = cudaSetDevice(device().number) == cudaSuccess;
    CHECK(device_set, "cudaSetDevice failed in another thread");
    const cudaError_t status = cudaEventQuery(of(e));
    if (status == cudaErrorNotReady) {
        cudaGetLastError();
        return false;
    }
    CUDA_CHECK(status);
    return true;
}
double seconds_between(Event from, Event to) {
    float milliseconds = 0;
    CUDA_CHECK(cudaEventElapsedTime(&milliseconds, of(from), of(to)));
    return double(milliseconds) * 1e-3;
}

}  // namespace gradus::cuda
