// Memory, streams and events of the GPU: what kernels/ops.h says of them, by the CUDA runtime.
//
// All streams are made and alike: ordered with themselves, and with others by events alone. Nothing goes to CUDA's default stream,
// on which no graph can be captured. The compute stream has the lowest priority, those of make_stream() have the highest: what the
// engine gives them (an exchange between ranks) is small, and others wait for it, while many waves of a matmul's blocks are
// queued on the compute stream.
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

// At the end of a program the driver may be gone before the last arena: nothing is left to be freed then.
void release(void* memory, size_t) {
    const cudaError_t status = cudaFree(memory);
    if (status != cudaErrorCudartUnloading) CUDA_CHECK(status);
}

void* allocate_host(size_t bytes) {
    void* memory = nullptr;
    const cudaError_t status = cudaMallocHost(&memory, bytes ? bytes : 1);
    if (status == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        throw Error("cannot pin " + std::to_string(bytes) + " bytes (" + gib(bytes) + ") of host memory",
                    "the machine or a limit of this process (ulimit -l) has no room for it",
                    "a smaller train.micro_batch, or raise the limit");
    }
    CUDA_CHECK(status);
    return memory;
}

void release_host(void* memory, size_t) {
    const cudaError_t status = cudaFreeHost(memory);
    if (status != cudaErrorCudartUnloading) CUDA_CHECK(status);
}

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
// Asked by threads that watch, too: a thread that has chosen no GPU would look at the first one.
bool reached(Event e) {
    static thread_local const bool chosen = cudaSetDevice(device().number) == cudaSuccess;
    CHECK(chosen, "the GPU of this process cannot be chosen in another thread");
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
