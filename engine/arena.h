#pragma once
// Arena: all memory of one purpose (weights, gradients, first moments, activations, …) in one block.
//
// declare() every tensor, then allocate() once; the tensors declared point into the block from then on. Nothing is
// allocated afterwards. Offsets are counted in elements and aligned to 64 of them, so arenas that declare the same
// tensors in different dtypes have the same layout: element i of the gradients belongs to element i of the weights.
//
// Tensors are grouped in buckets, the units that data-parallel ranks exchange: each bucket can be cut into equal parts,
// one per rank.
#include <string>
#include <vector>

#include "kernels/ops.h"

namespace gradus {

// In elements. The padding after a tensor is zero.
inline constexpr int64_t arena_alignment = 64;
constexpr int64_t aligned_in_arena(int64_t elements) {
    return (elements + arena_alignment - 1) / arena_alignment * arena_alignment;
}

enum class ArenaMemory { device, host };  // host: pinned host memory

struct ArenaPlace {  // sorted by bucket, then by order, then by declaration
    int bucket = 0, order = 0;
};

class Arena {
public:
    using Place = ArenaPlace;
    struct Entry {
        std::string name;
        Tensor* tensor;
        Shape shape;
        DType dtype;
        Place place;
        int64_t first;  // in elements of this entry's dtype for uniform arenas, in bytes / size otherwise
    };
    struct Range {
        int64_t first, count;  // elements
    };

    Arena(const Ops& ops, std::string purpose, ArenaMemory where = ArenaMemory::device)
        : ops_(&ops), purpose_(std::move(purpose)), where_(where) {}
    ~Arena();
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    void declare(const std::string& name, Tensor& tensor, const Shape& shape, DType dtype, Place place = {});
    // The workspace of the device's matmuls, if they use one (Ops::matmul_workspace); for Stream::with().
    void declare_matmul_workspace(Tensor& workspace);
    // Pads each bucket to a multiple of `parts` · 64 elements. Error where the total size overflows.
    void allocate(int parts = 1);
    void zero(Stream stream = {});  // device arenas only

    // The whole block as one flat tensor; for arenas of one dtype.
    Tensor flat() const;
    const std::vector<Range>& buckets() const { return buckets_; }  // for arenas of one dtype
    const std::string& purpose() const { return purpose_; }
    const std::vector<Entry>& entries() const { return entries_; }  // in the order of their memory
    size_t bytes() const { return bytes_; }

private:
    const Ops* ops_;
    std::string purpose_;
    ArenaMemory where_;
    std::vector<Entry> entries_;
    std::vector<Range> buckets_;
    void* memory_ = nullptr;
    size_t bytes_ = 0;
};

}  // namespace gradus
