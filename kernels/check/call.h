#pragma once
// Helpers of the argument checks. Every message names the op, the argument, its value and the required value.
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <string>

#include "kernels/tensor.h"

namespace gradus::arguments {

inline std::string text(const Shape& s) {
    std::string out = "[";
    for (int i = 0; i < s.rank; ++i) out += (i ? ", " : "") + std::to_string(s.dim[size_t(i)]);
    return out + "]";
}

inline std::string text(double x) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%g", x);
    return buffer;
}

struct Named {
    const char* field;
    const Tensor& t;
};

// Whether two tensors share an element. With equal strides, rows of one may lie in the gaps between the rows of the other, as in
// the heads of a packed tensor.
inline bool overlap(const Tensor& a, const Tensor& b) {
    if (!a || !b) return false;
    const char *first = a.as<char>(), *second = b.as<char>();
    if (first >= second + b.extent() || second >= first + a.extent()) return false;
    const auto bytes = [](const Tensor& t, int64_t elements) { return elements * int64_t(size_of(t.dtype)); };
    const int64_t stride = bytes(a, a.contiguous() ? 0 : a.stride());
    if (stride == 0 || b.contiguous() || stride != bytes(b, b.stride())) return true;
    const int64_t distance = ((second - first) % stride + stride) % stride;  // from a row of a to the next row of b
    return distance < bytes(a, a.last()) || stride - distance < bytes(b, b.last());
}

struct Size {
    int64_t rows, last;
};

struct Call {
    const char* op;

    std::string named(const char* field) const { return std::string(op) + ": " + field; }

    void contiguous(const char* field, const Tensor& t) const {
        CHECK(t.contiguous(), named(field) + " has rows of " + std::to_string(t.last()) + " elements " +
                                  std::to_string(t.stride()) + " apart, must be contiguous");
    }
    // The tensor that defines the dimensions: this rank, a float dtype, no empty axis except perhaps the first.
    void float_tensor(const char* field, const Tensor& t, int rank) const {
        float_view(field, t, rank);
        contiguous(field, t);
    }
    void float_view(const char* field, const Tensor& t, int rank) const {
        CHECK(t.shape.rank == rank,
              named(field) + " has shape " + text(t.shape) + ", must have " + std::to_string(rank) + " axes");
        for (int i = 0; i < rank; ++i)
            CHECK(t.shape.dim[size_t(i)] >= (i ? 1 : 0),
                  named(field) + " has shape " + text(t.shape) + ": an empty axis");
        CHECK(t || !t.size(), named(field) + " has no memory");
        CHECK(t.dtype != DType::i32, named(field) + " is i32, must be of a float dtype");
        CHECK(t.stride() >= t.last(), named(field) + " has rows of " + std::to_string(t.last()) + " elements " +
                                          std::to_string(t.stride()) + " apart");
    }
    Size matrix(const char* field, const Tensor& t) const {
        float_tensor(field, t, 2);
        return {t.rows(), t.last()};
    }
    // A matrix that may have a row stride.
    Size view(const char* field, const Tensor& t) const {
        float_view(field, t, 2);
        return {t.rows(), t.last()};
    }
    // A tensor of this dtype and shape. `letters`: the shape as the header writes it.
    void is(const char* field, const Tensor& t, DType dtype, const Shape& shape, const char* letters) const {
        is_view(field, t, dtype, shape, letters);
        contiguous(field, t);
    }
    // The same, with any row stride.
    void is_view(const char* field, const Tensor& t, DType dtype, const Shape& shape, const char* letters) const {
        CHECK(t.shape == shape,
              named(field) + " has shape " + text(t.shape) + ", must have " + letters + " = " + text(shape));
        CHECK(t.dtype == dtype, named(field) + " is " + name_of(t.dtype) + ", must be " + name_of(dtype));
        CHECK(t || !t.size(), named(field) + " has no memory");
        CHECK(t.stride() >= t.last(), named(field) + " has rows of " + std::to_string(t.last()) + " elements " +
                                          std::to_string(t.stride()) + " apart");
    }
    void optional(const char* field, const Opt& t, DType dtype, const Shape& shape, const char* letters) const {
        if (t) is(field, t, dtype, shape, letters);
    }
    void together(const char* field, const Opt& t, const char* partner, const Opt& u) const {
        CHECK(bool(t) == bool(u), named(field) + (t ? " is given without " : " is missing beside ") + partner);
    }
    // Written tensors share no memory with read tensors or with each other.
    void disjoint(std::initializer_list<Named> written, std::initializer_list<Named> read) const {
        for (const Named& w : written) {
            for (const Named& r : read) CHECK(!overlap(w.t, r.t), named(w.field) + " must not alias " + r.field);
            for (const Named& o : written)
                CHECK(&o == &w || !overlap(w.t, o.t), named(w.field) + " must not alias " + o.field);
        }
    }
    // "may alias" in the headers: exactly the same memory, or no overlap.
    void in_place_or_disjoint(const Named& w, const Named& r) const {
        CHECK(w.t.data == r.t.data || !overlap(w.t, r.t), named(w.field) + " overlaps a part of " + r.field);
    }
    void number(const char* field, double x, bool allowed, const char* must) const {
        CHECK(allowed && std::isfinite(x), named(field) + " is " + text(x) + ", must be " + must);
    }
    void address(const char* field, const void* p) const { CHECK(p, named(field) + " is missing"); }
    void count(const char* field, int64_t x, int64_t least = 1) const {
        CHECK(x >= least, named(field) + " is " + std::to_string(x) + ", must be at least " + std::to_string(least));
    }
    void one_of(const char* field, const Tensor& t, std::initializer_list<DType> allowed) const {
        std::string names;
        bool found = false;
        for (DType d : allowed) {
            found = found || t.dtype == d;
            names += std::string(names.empty() ? "" : " or ") + name_of(d);
        }
        CHECK(found, named(field) + " is " + name_of(t.dtype) + ", must be " + names);
    }
    void heads(int H, int G, int D) const {
        count("H", H);
        count("G", G);
        count("D", D);
        CHECK(H % G == 0, named("H") + " = " + std::to_string(H) + " is not a multiple of G = " + std::to_string(G));
    }
    // A tensor of any shape and a float dtype.
    void float_tensor(const char* field, const Tensor& t) const {
        CHECK(t || !t.size(), named(field) + " has no memory");
        CHECK(t.dtype != DType::i32, named(field) + " is i32, must be of a float dtype");
        contiguous(field, t);
    }
};

}  // namespace gradus::arguments
