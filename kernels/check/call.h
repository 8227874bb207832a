#pragma once
// What the checks of this folder say their sentences with: one call's arguments under examination. Every refusal names the op, the
// field, what it is and what it must be.
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

// Whether two tensors share an element. Rows of one may lie in the gaps between the rows of the other, as those of the heads
// of a packed tensor do; that is seen where both have the same stride.
inline bool overlap(const Tensor& a, const Tensor& b) {
    if (!a || !b) return false;
    const char *first = a.as<char>(), *second = b.as<char>();
    if (first >= second + b.extent() || second >= first + a.extent()) return false;
    const auto bytes = [](const Tensor& t, int64_t elements) { return elements * int64_t(size_of(t.dtype)); };
    const int64_t stride = bytes(a, a.contiguous() ? 0 : a.stride());
    if (stride == 0 || b.contiguous() || stride != bytes(b, b.stride())) return true;
    const int64_t apart = ((second - first) % stride + stride) % stride;  // from a row of a to the next row of b
    return apart < bytes(a, a.last()) || stride - apart < bytes(b, b.last());
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
    // The tensor whose shape the others follow: so many axes, none of them empty but the first, of floats.
    void leads(const char* field, const Tensor& t, int rank) const {
        leads_as_view(field, t, rank);
        contiguous(field, t);
    }
    void leads_as_view(const char* field, const Tensor& t, int rank) const {
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
        leads(field, t, 2);
        return {t.rows(), t.last()};
    }
    // A matrix whose rows may be further apart than they are long.
    Size view(const char* field, const Tensor& t) const {
        leads_as_view(field, t, 2);
        return {t.rows(), t.last()};
    }
    // A tensor of this dtype and this shape, which the header writes as in `letters`.
    void is(const char* field, const Tensor& t, DType dtype, const Shape& shape, const char* letters) const {
        is_view(field, t, dtype, shape, letters);
        contiguous(field, t);
    }
    // The same, whose rows may be further apart than they are long.
    void is_view(const char* field, const Tensor& t, DType dtype, const Shape& shape, const char* letters) const {
        CHECK(t.shape == shape,
              named(field) + " has shape " + text(t.shape) + ", must have " + letters + " = " + text(shape));
        CHECK(t.dtype == dtype, named(field) + " is " + name_of(t.dtype) + ", must be " + name_of(dtype));
        CHECK(t || !t.size(), named(field) + " has no memory");
        CHECK(t.stride() >= t.last(), named(field) + " has rows of " + std::to_string(t.last()) + " elements " +
                                          std::to_string(t.stride()) + " apart");
    }
    void may_be(const char* field, const Opt& t, DType dtype, const Shape& shape, const char* letters) const {
        if (t) is(field, t, dtype, shape, letters);
    }
    void together(const char* field, const Opt& t, const char* partner, const Opt& u) const {
        CHECK(bool(t) == bool(u), named(field) + (t ? " is given without " : " is missing beside ") + partner);
    }
    // What is written shares no memory with what is read, nor with anything else that is written.
    void apart(std::initializer_list<Named> written, std::initializer_list<Named> read) const {
        for (const Named& w : written) {
            for (const Named& r : read) CHECK(!overlap(w.t, r.t), named(w.field) + " must not alias " + r.field);
            for (const Named& o : written)
                CHECK(&o == &w || !overlap(w.t, o.t), named(w.field) + " must not alias " + o.field);
        }
    }
    // The header's "may alias": the same memory or none of it.
    void in_place_or_apart(const Named& w, const Named& r) const {
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
        CHECK(H % G == 0, named("H") + " = " + std::to_string(H) + " is no multiple of G = " + std::to_string(G));
    }
    // Any tensor at all, of a float dtype.
    void any(const char* field, const Tensor& t) const {
        CHECK(t || !t.size(), named(field) + " has no memory");
        CHECK(t.dtype != DType::i32, named(field) + " is i32, must be of a float dtype");
        contiguous(field, t);
    }
};

}  // namespace gradus::arguments
