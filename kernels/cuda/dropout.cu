// Dropout on a GPU. The formulas are in kernels/dropout.h, the kernel in kernels/cuda/elementwise.h.
//
// Plan. A part has whole calls of the generator, the most expensive work: one for four elements. Words are compared as integers:
// word ≥ p·2³² is the same as word ≥ ⌈p·2³²⌉.
#include "kernels/dropout.h"

#include <cmath>

#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/random_parts.h"

namespace gradus::DEVICE {

namespace {

// The mask of a call.
struct Mask {
    const uint64_t* key;
    int64_t first_row, C;
    const int64_t* batch_row;  // null: 0
    uint64_t least;
    float scale;

    template <class Args>
    explicit Mask(const Args& a)
        : key(a.key),
          first_row(a.first_row),
          C(a.x.last()),
          batch_row(a.batch_row),
          least(uint64_t(std::ceil(a.p * 0x1p32))),
          scale(float(1 / (1 - a.p))) {}

    // The part of x that begins at element i, with some elements dropped and the others scaled.
    template <class Scalar, int width>
    __device__ Part<Scalar, width> of(const Part<Scalar, width>& x, int64_t i) const {
        const auto words = words_of<width>(*key, first_row + (batch_row ? *batch_row : 0), i, C);
        return part_of<Scalar, width>([&](int k) { return words.word[k] >= least ? x[k] * scale : 0.f; });
    }
};

template <class Scalar>
struct Dropped {
    Scalar* y;
    const Scalar* x;
    Mask mask;

    template <int width>
    __device__ Part<Scalar, width> read(int64_t i) const {
        return load_part<width>(x + i);
    }
    template <int width>
    __device__ void write(int64_t i, const Part<Scalar, width>& part) const {
        store_part(y + i, mask.of(part, i));
    }
};

template <class Scalar>
struct AddDropped {
    Scalar* y;
    const Scalar *a, *x;
    Mask mask;

    template <int width>
    struct Read {
        Part<Scalar, width> a, x;
    };
    template <int width>
    __device__ Read<width> read(int64_t i) const {
        return {load_part<width>(a + i), load_part<width>(x + i)};
    }
    template <int width>
    __device__ void write(int64_t i, const Read<width>& of) const {
        const auto dropped = mask.of(of.x, i);
        store_part(y + i, part_of<Scalar, width>([&](int k) { return of.a[k] + dropped[k]; }));
    }
};

}  // namespace

void dropout(const Dropout& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const Dropped<Scalar> f = {a.y.as<Scalar>(), a.x.as<Scalar>(), Mask(a)};
        launch_flat<vector_width<Scalar>>(f, a.x.size(), vectors_fit({a.y, a.x}), s);
    });
}

void add_dropout(const AddDropout& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const AddDropped<Scalar> f = {a.y.as<Scalar>(), a.a.as<Scalar>(), a.x.as<Scalar>(), Mask(a)};
        launch_flat<vector_width<Scalar>>(f, a.x.size(), vectors_fit({a.y, a.a, a.x}), s);
    });
}

}  // namespace gradus::DEVICE
