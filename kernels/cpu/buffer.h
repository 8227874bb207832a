#pragma once
// Scratch memory of an op: grows to the most that was ever asked for, then stays. One for each calling thread, so that
// two threads may run ops at once; what it holds means nothing between two calls.
#include <cstddef>

namespace gradus::cpu {

class Buffer {
public:
    Buffer() = default;
    ~Buffer();
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    // At least this many floats, aligned to 64 bytes, uninitialised. Error when there is no memory.
    float* floats(size_t count);

private:
    void* memory_ = nullptr;
    size_t bytes_ = 0;
};

}  // namespace gradus::cpu
