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

template <class Scalar>
struct Dropped {
    Scalar* y;
    const Scalar* x;
    const uint64_t* key;
    int64_t first_row, C;
    uint64_t least;
    float scale;

    template <int width>
    __device__ Part<Scalar, width> read(int64_t i) const {
        return load_part<width>(x + i);
    }
    template <int width>
    __device__ void write(int64_t i, const Part<Scalar, width>& part) const {
        const auto words = words_of<width>(*key, first_row, i, C);
        store_part(y + i,
                   part_of<Scalar, width>([&](int k) { return words.word[k] >= least ? part[k] * scale : 0.f; }));
    }
};

}  // namespace

void dropout(const Dropout& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const Dropped<Scalar> f = {a.y.as<Scalar>(),    a.x.as<Scalar>(), a.key,
                                   a.first_row,         a.x.last(),       uint64_t(std::ceil(a.p * 0x1p32)),
                                   float(1 / (1 - a.p))};
        launch_flat<vector_width<Scalar>>(f, a.x.size(), vectors_fit({a.y, a.x}), s);
    });
}

}  // namespace gradus::DEVICE
