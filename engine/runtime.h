#pragma once
// The context of all computation: a device's table of ops, the dtype of weights and activations, the tensor-parallel
// group, the stream, and the step's values on the device.
#include "engine/arena.h"
#include "engine/comm.h"
#include "engine/step_memory.h"
#include "kernels/ops.h"

namespace gradus {

struct Runtime {
    const Ops& ops;
    DType dtype = DType::f32;
    Comm tp = {};
    Stream stream = {};
    StepPointers step = {};
    bool graphs = false;  // repeated work is captured and replayed (engine/replays.h)

    DType accumulator() const { return accumulator_of(dtype); }
};

// The device's compute stream with a matmul workspace. Users of the stream share the workspace.
class ComputeStream {
public:
    explicit ComputeStream(const Ops& ops) : stream_(ops.compute_stream()), workspace_arena_(ops, "matmul workspace") {
        workspace_arena_.declare_matmul_workspace(workspace_);
        workspace_arena_.allocate();
    }

    Stream stream() const { return stream_.with(workspace_); }
    size_t bytes() const { return workspace_arena_.bytes(); }

private:
    Stream stream_;
    Arena workspace_arena_;
    Tensor workspace_;
};

}  // namespace gradus
