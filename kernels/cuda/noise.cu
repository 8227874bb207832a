// Noise on a GPU. The formulas are in kernels/noise.h, the kernel in kernels/cuda/elementwise.h.
//
// Plan. That of dropout. A word less 2³¹ is the word with its upper bit flipped, read as a signed integer.
#include "kernels/noise.h"

#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/random_parts.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar>
struct Noised {
    Scalar* y;
    const Scalar* x;
    const float* amplitude;
    const uint64_t* key;
    int64_t first_row, C;
    const int64_t* batch_row;  // null: 0

    template <int width>
    __device__ Part<Scalar, width> read(int64_t i) const {
        return load_part<width>(x + i);
    }
    template <int width>
    __device__ void write(int64_t i, const Part<Scalar, width>& part) const {
        const auto words = words_of<width>(*key, first_row + (batch_row ? *batch_row : 0), i, C);
        const float of_row = amplitude[i / C];
        store_part(y + i, part_of<Scalar, width>([&](int k) {
                       const float u = float(int32_t(words.word[k] ^ 0x80000000u)) * 0x1p-31f;
                       return part[k] + of_row * u;
                   }));
    }
};

}  // namespace

void add_noise(const AddNoise& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const Noised<Scalar> f = {a.y.as<Scalar>(), a.x.as<Scalar>(), a.amplitude.as<float>(), a.key, a.first_row,
                                  a.x.last(),       a.batch_row};
        launch_flat<vector_width<Scalar>>(f, a.x.size(), vectors_fit({a.y, a.x}), s);
    });
}

}  // namespace gradus::DEVICE
