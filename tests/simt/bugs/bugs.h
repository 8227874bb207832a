#pragma once
// Planted bugs: each is a small program in two versions, broken and fixed. The line that a report must name carries the comment
// `BUG name`. test_bugs.cpp runs each in its own process, in builds with and without sanitizers.
#include <functional>
#include <map>
#include <string>

#include "kernels/cuda/primitives/async_copy.h"
#include "kernels/cuda/primitives/atomics.h"
#include "kernels/cuda/primitives/barrier.h"
#include "kernels/cuda/primitives/device.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/memory.h"

namespace gradus::simt {

using Bugs = std::map<std::string, std::function<void(bool fixed)>>;

Bugs bugs_of_barriers();
Bugs bugs_of_collectives();
Bugs bugs_of_copies();
Bugs bugs_of_graphs();
Bugs bugs_of_memory();
Bugs bugs_of_order();
Bugs bugs_of_tensor_maps();
Bugs bugs_of_the_host();
Bugs bugs_of_warpgroups();

// Zeroed device memory, released by the destructor.
template <class Element>
class DeviceArray {
public:
    explicit DeviceArray(size_t count) : bytes_(count * sizeof(Element)), memory_(allocate(bytes_)) {
        zero(memory_, bytes_, {});
        synchronise({});
    }
    ~DeviceArray() { release(memory_, bytes_); }
    DeviceArray(const DeviceArray&) = delete;
    DeviceArray& operator=(const DeviceArray&) = delete;

    operator Element*() const { return static_cast<Element*>(memory_); }

private:
    size_t bytes_;
    void* memory_;
};

}  // namespace gradus::simt
