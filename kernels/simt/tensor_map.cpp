#include "kernels/simt/tensor_map.h"

#include <algorithm>
#include <string>

#include "kernels/cuda/primitives/tensor_map.h"
#include "kernels/simt/block.h"
#include "kernels/simt/device_memory.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/thread.h"

namespace gradus::emulator {

namespace {

constexpr unsigned chunk = 16;

void append(std::vector<Segment>& segments, char* shared, char* global, size_t bytes) {
    if (!bytes) return;
    if (!segments.empty()) {
        Segment& last = segments.back();
        const bool follows = global ? last.global && last.global + last.bytes == global : !last.global;
        if (follows && last.shared + last.bytes == shared) {
            last.bytes += bytes;
            return;
        }
    }
    segments.push_back({shared, global, bytes});
}

void check_map(const char* op, const TensorMap& map, Location location) {
    if (self(op, location).on->shared.contains(&map, 1) || allocation_of(&map).bytes)
        fault(std::string(op) +
                  ": the tensor map is in global or shared memory; pass it as a const __grid_constant__ "
                  "parameter",
              location);
    if (map.copies_in_kernel != 1)
        fault(std::string(op) + ": the tensor map is a copy that the kernel made; use its parameter itself", location);
}

}  // namespace

TensorMap::TensorMap(const TensorMap& other)
    : data(other.data),
      rank(other.rank),
      element_bytes(other.element_bytes),
      is_float(other.is_float),
      width(other.width),
      copies_in_kernel(other.copies_in_kernel + (current != nullptr)) {
    std::copy_n(other.extent, max_rank, extent);
    std::copy_n(other.stride, max_rank, stride);
    std::copy_n(other.box, max_rank, box);
}

Transfer plain_transfer(void* shared, void* global, size_t bytes) {
    auto *const s = static_cast<char*>(shared), *const g = static_cast<char*>(global);
    return {s, bytes, {{s, g, bytes}}};
}

Transfer box_transfer(const char* op, const TensorMap& map, const int* at, int rank, void* shared, Location location) {
    check_map(op, map, location);
    if (rank != map.rank)
        fault(std::string(op) + ": " + std::to_string(rank) + " coordinates, but the tensor map has " +
                  std::to_string(map.rank) + " dimensions",
              location);
    const auto row_bytes = unsigned(map.box[0]) * map.element_bytes;
    size_t rows = 1;
    for (int i = 1; i < rank; ++i) rows *= size_t(map.box[i]);
    Transfer transfer = {static_cast<char*>(shared), rows * row_bytes, {}};
    check_shared(op, shared, transfer.bytes, location);
    const unsigned start = self(op, location).on->shared.address_of(shared), pattern = std::max(128u, 8 * map.width);
    if (start % (map.width == chunk ? 128 : pattern))
        fault(std::string(op) + ": shared address " + std::to_string(start) + " is not a multiple of " +
                  std::to_string(map.width == chunk ? 128 : pattern),
              location);
    for (size_t r = 0; r < rows; ++r) {
        char* global = map.data;
        size_t rest = r;
        for (int i = 1; i < rank; ++i) {
            const int64_t x = at[i] + int64_t(rest % size_t(map.box[i]));
            rest /= size_t(map.box[i]);
            if (x < 0 || x >= map.extent[i]) global = nullptr;
            if (global) global += x * map.stride[i];
        }
        // Bytes [first, last) of the row are inside the tensor.
        const int64_t unit = map.element_bytes, from = int64_t(at[0]) * unit;
        const int64_t first = std::clamp<int64_t>(-from, 0, row_bytes),
                      last = std::clamp<int64_t>(map.extent[0] * unit - from, first, row_bytes);
        for (int64_t byte = 0; byte < row_bytes; byte += chunk) {
            const unsigned address = start + unsigned(r) * row_bytes + unsigned(byte),
                           there = address ^ (address & (map.width / chunk - 1) << 7) >> 3;
            char* const to = transfer.shared + (there - start);
            const int64_t inside = std::clamp<int64_t>(first - byte, 0, chunk),
                          outside = std::clamp<int64_t>(last - byte, inside, chunk);
            const int64_t end = global ? outside : inside;
            append(transfer.segments, to, nullptr, size_t(inside));
            if (global) append(transfer.segments, to + inside, global + from + byte + inside, size_t(end - inside));
            append(transfer.segments, to + end, nullptr, size_t(chunk - end));
        }
    }
    return transfer;
}

}  // namespace gradus::emulator
