#pragma once
// Tensor maps of kernels/cuda/primitives/tensor_map.h: which bytes of global memory and which of shared memory a box's copy pairs.
#include <cstdint>
#include <vector>

#include "kernels/simt/location.h"

namespace gradus::emulator {

constexpr int max_rank = 5;

// What the driver packs into the 128 bytes of a map. The hardware reads it from the kernel's parameters: a copy that the kernel
// makes of its parameter is in local memory, where it cannot be read. So it counts the copies made in a kernel.
struct TensorMap {
    char* data = nullptr;
    int rank = 0;
    unsigned element_bytes = 0;
    bool is_float = false;
    int64_t extent[max_rank] = {}, stride[max_rank] = {};  // elements; bytes
    int box[max_rank] = {};
    unsigned width = 16;  // of the swizzle
    int copies_in_kernel = 0;

    TensorMap() = default;
    TensorMap(const TensorMap& other);
    TensorMap& operator=(const TensorMap&) = delete;
};

// Bytes of a copy between shared and global memory. global: null outside the tensor, where a load writes zeros.
struct Segment {
    char *shared, *global;
    size_t bytes;
};

// The shared memory of a copy, and its segments.
struct Transfer {
    char* shared = nullptr;
    size_t bytes = 0;
    std::vector<Segment> segments;

    // Calls visit(address, bytes) for the runs in global memory.
    template <class Visit>
    void each_run(Visit visit) const {
        char* start = nullptr;
        size_t bytes_so_far = 0;
        for (const Segment& s : segments) {
            if (start && s.global == start + bytes_so_far) {
                bytes_so_far += s.bytes;
                continue;
            }
            if (start) visit(start, bytes_so_far);
            start = s.global;
            bytes_so_far = s.bytes;
        }
        if (start) visit(start, bytes_so_far);
    }
};

// Of the box at these coordinates. Fault: coordinates of another rank, shared memory outside the block's arrays or not aligned, a map
// that is not a parameter.
Transfer box_transfer(const char* op, const TensorMap& map, const int* at, int rank, void* shared, Location location);
Transfer plain_transfer(void* shared, void* global, size_t bytes);

}  // namespace gradus::emulator
