#pragma once
// Shared memory of a block: every array is an allocation of its own and of its exact size, so that AddressSanitizer sees an
// index that is one too large. Every byte is 0xFF when a block starts: a float or bf16 that nobody has written is NaN, an
// integer is -1.
#include <cstddef>
#include <vector>

#include "kernels/simt/place.h"

namespace gradus::emulator {

// What threads write (the generic proxy of memory) wgmma and the bulk copies (the async proxy) see after a fence_async() alone. So
// there is a second copy of every array, which the fence brings up to date.
struct SharedArray {
    const void* declaration = nullptr;  // the address of a static variable beside it; empty: the dynamic part
    void* memory = nullptr;
    size_t bytes = 0, alignment = 0;
    bool in_use = false;
    unsigned address = 0;     // where it would lie in a GPU's shared memory
    std::vector<char> async;  // its bytes as the async proxy sees them
};

// The shared memory of one block. Its arrays appear when a thread first comes to their declaration, and are kept for
// the next block.
class SharedMemory {
public:
    SharedMemory() = default;
    ~SharedMemory();
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;

    void start(size_t dynamic_bytes);  // of a block
    void* array(const void* declaration, size_t bytes, size_t alignment, Place at);
    bool contains(const void* pointer, size_t bytes) const;

    // What PTX calls a pointer into shared memory, a number below 2^18, and back; empty: those bytes are no array's. An array
    // starts at a multiple of its alignment and never of twice that: nothing may count on more.
    unsigned address_of(const void* pointer) const;
    const char* at(unsigned address, size_t bytes) const;

    void fence_async();                                     // the async proxy sees what threads have written so far
    void written_async(const void* pointer, size_t bytes);  // by the async proxy itself
    bool seen_async(const void* pointer, size_t bytes) const;

private:
    void* fill(SharedArray& array, size_t bytes, size_t alignment);
    const SharedArray* of(const void* pointer, size_t bytes) const;  // the array that has these bytes
    std::vector<SharedArray> arrays_;
    size_t static_bytes_ = 0, dynamic_bytes_ = 0;
    unsigned end_ = 0;  // of the arrays in use, as addresses
};

constexpr size_t shared_limit = 227 << 10, static_shared_limit = 48 << 10;

// The running block's array of this declaration.
void* shared_array(const void* declaration, size_t bytes, size_t alignment, Place at);
void* dynamic_shared(Place at);
void fence_async(Place at);

template <class Array>
Array& shared(const void* declaration, Place at = Place::here()) {
    constexpr size_t alignment = alignof(Array) < 16 ? 16 : alignof(Array);
    return *static_cast<Array*>(shared_array(declaration, sizeof(Array), alignment, at));
}

}  // namespace gradus::emulator

// SHARED(float, parts, [16][33]);  declares float parts[16][33] in the block's shared memory; SHARED(int, last, ) one int.
#define SHARED(Element, name, extents)        \
    static const char name##_declaration = 0; \
    auto& name = ::gradus::emulator::shared<Element extents>(&name##_declaration)

// DYNAMIC_SHARED(float, tile);  declares float* tile, the block's dynamic shared memory, aligned to 1024 bytes.
#define DYNAMIC_SHARED(Element, name) \
    Element* const name = static_cast<Element*>(::gradus::emulator::dynamic_shared(::gradus::emulator::Place::here()))
