#pragma once
// Tensors in the emulator's device memory, all zero.
#include <vector>

#include "kernels/simt/memory.h"

namespace gradus::test {

class DeviceTensors {
public:
    DeviceTensors() = default;
    ~DeviceTensors() {
        for (const Tensor& t : all_) simt::release(t.data, t.bytes());
    }
    DeviceTensors(const DeviceTensors&) = delete;
    DeviceTensors& operator=(const DeviceTensors&) = delete;

    Tensor of(DType type, const Shape& shape) {
        Tensor t{nullptr, type, shape};
        t.data = simt::allocate(t.bytes());
        simt::zero(t.data, t.bytes(), {});
        simt::synchronise({});
        all_.push_back(t);
        return t;
    }

private:
    std::vector<Tensor> all_;
};

}  // namespace gradus::test
