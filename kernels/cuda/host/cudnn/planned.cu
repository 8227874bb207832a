#include "kernels/cuda/host/cudnn/planned.h"

#include "kernels/cuda/host/device.h"
#include "kernels/cuda/host/library.h"
#include "kernels/cuda/memory.h"

namespace gradus {

bool cuda_has_cudnn() { return true; }

namespace cuda {

namespace {

cudnnHandle_t handle() {
    static const cudnnHandle_t of_this_process = [] {
        cudnnHandle_t h = nullptr;
        CUDNN_CHECK(cudnnCreate(&h));
        return h;
    }();
    return of_this_process;
}

}  // namespace

cudnnHandle_t cudnn_handle(Stream s) {
    CUDNN_CHECK(cudnnSetStream(handle(), stream_of(s)));
    return handle();
}

const CudnnDescriptor& cudnn_device() {
    static const CudnnDescriptor properties = [] {
        CudnnDescriptor d(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
        d.set(CUDNN_ATTR_DEVICEPROP_HANDLE, CUDNN_TYPE_HANDLE, handle()).finalize();
        return d;
    }();
    return properties;
}

void* kept_memory(size_t bytes) { return bytes ? allocate(bytes) : nullptr; }

}  // namespace cuda

}  // namespace gradus
