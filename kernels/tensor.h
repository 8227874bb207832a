#pragma once
// Tensor: a typed, shaped, row-major view of at most four axes. It never owns memory; arenas do.
//
// It is contiguous unless row_stride is larger than a row, as in a view of some columns of a wider matrix. Only a few ops take
// such views, as their headers say; kernels/check.h rejects them elsewhere.
//
// Capitals are dimensions, the same everywhere:
//   B batch   T time   C channels   L layers   H heads   G key/value heads   D head width
//   F feed-forward width   V vocabulary   N = B·T rows
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "engine/base/error.h"

namespace gradus {

// f64 and c128 are only for the reference backend: it computes in double, and its derivatives are tested with a complex step
// (docs/tour.md, part 11).
enum class DType : uint8_t { f32, bf16, i32, f64, c128 };

constexpr size_t size_of(DType t) {
    switch (t) {
        case DType::bf16: return 2;
        case DType::f32:
        case DType::i32: return 4;
        case DType::f64: return 8;
        case DType::c128: return 16;
    }
    return 0;
}

constexpr const char* name_of(DType t) {
    switch (t) {
        case DType::f32: return "f32";
        case DType::bf16: return "bf16";
        case DType::i32: return "i32";
        case DType::f64: return "f64";
        case DType::c128: return "c128";
    }
    return "?";
}

// The dtype of sums, statistics and weight gradients for tensors of dtype t.
constexpr DType accumulator_of(DType t) { return t == DType::bf16 ? DType::f32 : t; }

struct Shape {
    int rank = 0;
    std::array<int64_t, 4> dim = {1, 1, 1, 1};

    Shape() = default;
    Shape(std::initializer_list<int64_t> dims) {
        CHECK(dims.size() <= 4, "more than four axes");
        for (int64_t n : dims) dim[size_t(rank++)] = n;
    }
    int64_t size() const { return dim[0] * dim[1] * dim[2] * dim[3]; }
    bool operator==(const Shape&) const = default;
};

struct Tensor {
    void* data = nullptr;
    DType dtype = DType::f32;
    Shape shape;
    int64_t row_stride = 0;  // elements from the start of one row to the start of the next; 0: last()

    explicit operator bool() const { return data != nullptr; }
    int64_t size() const { return shape.size(); }
    size_t bytes() const { return size_t(size()) * size_of(dtype); }    // of the elements
    int64_t last() const { return shape.dim[size_t(shape.rank - 1)]; }  // length of the last axis: a row
    int64_t rows() const { return size() / last(); }
    int64_t stride() const { return row_stride ? row_stride : last(); }
    bool contiguous() const { return !row_stride || row_stride == last(); }
    // Bytes from the first element to the end of the last, including the gaps between rows.
    size_t extent() const {
        return contiguous() || !size() ? bytes() : size_t((rows() - 1) * row_stride + last()) * size_of(dtype);
    }

    template <class Scalar>
    Scalar* as() const {
        return static_cast<Scalar*>(data);
    }

    // Rows [first, first + count) of the flattened [rows, last] view.
    Tensor slice(int64_t first, int64_t count) const {
        CHECK(first >= 0 && count >= 0 && first + count <= rows(), "slice outside the tensor");
        return {
            static_cast<char*>(data) + size_t(first * stride()) * size_of(dtype), dtype, {count, last()}, row_stride};
    }
    // Columns [first, first + count) of the flattened [rows, last] view.
    Tensor columns(int64_t first, int64_t count) const {
        CHECK(first >= 0 && count >= 1 && first + count <= last(), "columns outside the tensor");
        return {static_cast<char*>(data) + size_t(first) * size_of(dtype), dtype, {rows(), count}, stride()};
    }
    // Elements [first, first + count) of the flattened tensor, as a vector.
    Tensor part(int64_t first, int64_t count) const {
        CHECK(first >= 0 && count >= 0 && first <= size() - count, "part outside the tensor");
        CHECK(contiguous(), "a part of a strided view is not a vector");
        return {static_cast<char*>(data) + size_t(first) * size_of(dtype), dtype, {count}};
    }
    // The same memory under another shape.
    Tensor view(const Shape& other) const {
        CHECK(other.size() == size(), "a view must keep the number of elements");
        CHECK(contiguous(), "a strided view cannot be reshaped");
        return {data, dtype, other};
    }
};

// The role a tensor plays in an op. In, Out and Acc have no default: a call that leaves one out does not compile.
struct In : Tensor {  // only read
    In(const Tensor& t) : Tensor(t) {}
    template <class Scalar>
    const Scalar* as() const {
        return Tensor::as<Scalar>();
    }
};
struct Out : Tensor {  // overwritten, never read
    Out(const Tensor& t) : Tensor(t) {}
};
struct Acc : Tensor {  // read and updated in place
    Acc(const Tensor& t) : Tensor(t) {}
};
struct Opt : Tensor {  // may be empty
    Opt() = default;
    Opt(const Tensor& t) : Tensor(t) {}
};

// The minimum cost of an op: bytes moved once, and multiplications and additions.
struct Cost {
    double bytes = 0, flops = 0;
};

struct Stream {  // a queue of work of a device: a cudaStream_t, null on a CPU
    void* handle = nullptr;
    void* workspace = nullptr;  // device memory for the stream's matmuls
    size_t workspace_bytes = 0;

    Stream with(const Tensor& workspace_tensor) const {
        return {handle, workspace_tensor.data, workspace_tensor ? workspace_tensor.bytes() : 0};
    }
};
struct Event {  // a point in a stream: a cudaEvent_t, or a time on a CPU
    void* handle = nullptr;
};
struct Graph {  // recorded work of a stream: a cudaGraphExec_t
    void* handle = nullptr;
};
struct DeviceMemory {  // bytes
    size_t free = 0, total = 0;
};

}  // namespace gradus
