#pragma once
// Plans of cuDNN, made once for each shape and kept with their memory, whose address graphs of the device may contain.
#include "kernels/cuda/host/cudnn/graphs.h"
#include "kernels/tensor.h"

namespace gradus::cuda {

// This process's handle, which queues on the stream from then on.
cudnnHandle_t cudnn_handle(Stream);
// The properties of its device.
const CudnnDescriptor& cudnn_device();

// Device memory that is never released.
void* kept_memory(size_t bytes);

template <class Graph, class Shape>
struct Planned : Graph {
    CudnnPlan plan;
    void* workspace;

    explicit Planned(const Shape& shape)
        : Graph(shape), plan(Graph::graph, cudnn_device()), workspace(kept_memory(plan.workspace())) {}
};

template <class Graph, class Shape>
const Planned<Graph, Shape>& planned(const Shape& shape) {
    static std::map<Shape, Planned<Graph, Shape>> known;
    return known.try_emplace(shape, shape).first->second;
}

}  // namespace gradus::cuda
