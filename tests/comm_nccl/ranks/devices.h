#pragma once
// Shared by the scenarios of devices: tensors on the device, and the two kinds of Comm.
#include "engine/comm_nccl/nccl_world.h"
#include "engine/comm_staged.h"
#include "tests/comm_mpi/ranks/scenarios.h"
#include "tests/comm_nccl/device/queued_ops.h"

namespace gradus {

extern const std::vector<Scenario> device_scenarios, device_fault_scenarios;

// A tensor of the device, and its image on the host.
class OnDevice {
public:
    OnDevice(DType dtype, int64_t count) : host(dtype, count), bytes_(host.tensor().bytes()) {
        if (bytes_ > 0) memory_ = queued_ops().allocate(bytes_);
        tensor = host.tensor();
        tensor.data = memory_;
    }
    ~OnDevice() {
        if (memory_) queued_ops().release(memory_, bytes_);
    }
    OnDevice(const OnDevice&) = delete;
    OnDevice& operator=(const OnDevice&) = delete;

    void to_device(Stream s) { queued_ops().copy_to_device(memory_, host.tensor().data, bytes_, s); }
    void to_host(Stream s) {  // synchronous
        queued_ops().synchronise(s);
        host.poison();
        queued_ops().copy_to_host(host.tensor().data, memory_, bytes_, s);
        queued_ops().synchronise(s);
    }

    Memory host;
    Tensor tensor;

private:
    size_t bytes_;
    void* memory_ = nullptr;
};

}  // namespace gradus
