#pragma once
// Shared memory of a block. Every array is an allocation of its exact size, so that AddressSanitizer reports every index out of
// bounds. Every byte is 0xFF when a block starts: an uninitialised float or bf16 is NaN, an integer is -1.
#include <cstddef>
#include <vector>

#include "kernels/simt/async_proxy.h"
#include "kernels/simt/location.h"

namespace gradus::emulator {

// wgmma and bulk copies (the async proxy) see writes of threads (the generic proxy) only after a fence_async(). So every array
// has a second copy, which the fence updates.
struct SharedArray {
    const void* declaration = nullptr;  // address of the static variable in SHARED; null: dynamic shared memory
    void* memory = nullptr;
    size_t bytes = 0, alignment = 0;
    bool in_use = false;
    unsigned address = 0;      // in the shared address space of a GPU
    std::vector<char> async;   // the bytes as the async proxy sees them; under ThreadSanitizer as bulk loads wrote them
    std::vector<bool> loaded;  // under ThreadSanitizer: a bulk load wrote the byte
};

// The shared memory of one block. An array is created when a thread first reaches its declaration, and kept for the next block.
class SharedMemory {
public:
    SharedMemory() = default;
    ~SharedMemory();
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;

    void start(size_t dynamic_bytes);  // of a block
    void* array(const void* declaration, size_t bytes, size_t alignment, Location at);
    bool contains(const void* pointer, size_t bytes) const;

    // A pointer's address in PTX's shared address space, a number below 2^18, and back (null: not in an array). An array starts
    // at a multiple of its alignment but never of twice that, so that no kernel relies on a larger alignment.
    unsigned address_of(const void* pointer) const;
    const char* at(unsigned address, size_t bytes) const;

    size_t bytes() const;  // static and dynamic, of the declarations that threads have reached

    void fence_async();                                        // makes all writes so far visible to the async proxy
    void written_async(const void* pointer, size_t bytes);     // a write by the async proxy itself
    bool seen_async(const void* pointer, size_t bytes) const;  // whether the async proxy sees the latest values
    bool loaded(const void* pointer, size_t bytes) const;      // by bulk loads, and not changed since

    AsyncProxy& proxy() { return proxy_; }

private:
    void* fill(SharedArray& array, size_t bytes, size_t alignment);
    const SharedArray* of(const void* pointer, size_t bytes) const;  // the array that contains these bytes
    std::vector<SharedArray> arrays_;
    size_t static_bytes_ = 0, dynamic_bytes_ = 0;
    unsigned end_ = 0;  // shared address after the last array in use
    AsyncProxy proxy_;
};

constexpr size_t shared_limit = 227 << 10, static_shared_limit = 48 << 10;

// The running block's array of this declaration.
void* shared_array(const void* declaration, size_t bytes, size_t alignment, Location at);
void* dynamic_shared(Location at);
void fence_async(Location at);

template <class Array>
Array& shared(const void* declaration, Location at = Location::here()) {
    constexpr size_t alignment = alignof(Array) < 16 ? 16 : alignof(Array);
    return *static_cast<Array*>(shared_array(declaration, sizeof(Array), alignment, at));
}

}  // namespace gradus::emulator

// SHARED(float, parts, [16][33]);  declares float parts[16][33] in the block's shared memory; SHARED(int, last, ) an int.
#define SHARED(Element, name, extents)        \
    static const char name##_declaration = 0; \
    auto& name = ::gradus::emulator::shared<Element extents>(&name##_declaration)

// DYNAMIC_SHARED(float, tile);  declares float* tile, the block's dynamic shared memory, aligned to 1024 bytes.
#define DYNAMIC_SHARED(Element, name) \
    Element* const name =             \
        static_cast<Element*>(::gradus::emulator::dynamic_shared(::gradus::emulator::Location::here()))
