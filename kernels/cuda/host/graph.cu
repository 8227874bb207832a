// Graphs of kernels/ops.h with the CUDA runtime.
//
// Captures are local to their thread: the queries of a watchdog thread would invalidate a global one.
#include "kernels/cuda/host/device.h"
#include "kernels/cuda/memory.h"

namespace gradus::cuda {

void begin_capture(Stream s) { CUDA_CHECK(cudaStreamBeginCapture(stream_of(s), cudaStreamCaptureModeThreadLocal)); }

Graph end_capture(Stream s) {
    cudaGraph_t recorded = nullptr;
    CUDA_CHECK(cudaStreamEndCapture(stream_of(s), &recorded));
    cudaGraphExec_t graph = nullptr;
    const cudaError_t status = cudaGraphInstantiate(&graph, recorded, 0);
    CUDA_CHECK(cudaGraphDestroy(recorded));
    CUDA_CHECK(status);
    return {graph};
}

void replay(Graph g, Stream s) { CUDA_CHECK(cudaGraphLaunch(static_cast<cudaGraphExec_t>(g.handle), stream_of(s))); }

// As in release(), the driver may be gone at exit.
void release_graph(Graph g) {
    const cudaError_t status = cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(g.handle));
    if (status != cudaErrorCudartUnloading) CUDA_CHECK(status);
}

}  // namespace gradus::cuda
