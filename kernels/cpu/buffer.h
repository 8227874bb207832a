#pragma once
// Scratch memory of an op: grows to the largest request and is kept. Declared thread_local, so that several threads may call
// ops at the same time. Its contents do not persist between calls.
#include <cstddef>

namespace gradus::cpu {

class Buffer {
public:
    Buffer() = default;
    ~Buffer();
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    // At least this many floats, aligned to 64 bytes, uninitialised. Error: out of memory.
    float* floats(size_t count);

private:
    void* memory_ = nullptr;
    size_t bytes_ = 0;
};

}  // namespace gradus::cpu
