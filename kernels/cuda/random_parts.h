#pragma once
// Random words for the elements of a matrix: kernels/dropout.h.
#include "engine/base/philox.h"
#include "kernels/cuda/elementwise.h"

namespace gradus::DEVICE {

constexpr int words_of_call = 4;

// The words of `width` elements of [N,C] from element i, which are in one row; whole calls of the generator, or one element.
template <int width>
struct Words {
    uint32_t word[width];
};
template <int width>
__device__ Words<width> words_of(uint64_t key, int64_t first_row, int64_t i, int64_t C) {
    static_assert(width == 1 || width % words_of_call == 0, "a part has whole calls");
    const int64_t n = i / C, c = i - n * C;
    Words<width> all = {};
#pragma unroll
    for (int k = 0; k < width; k += words_of_call) {
        const auto words = Philox{key}.words(uint64_t(first_row + n), uint64_t((c + k) / words_of_call));
        if constexpr (width == 1) {
#pragma unroll
            for (int w = 0; w < words_of_call; ++w)
                if (c % words_of_call == w) all.word[0] = words[size_t(w)];
        } else {
#pragma unroll
            for (int w = 0; w < words_of_call; ++w) all.word[k + w] = words[size_t(w)];
        }
    }
    return all;
}

}  // namespace gradus::DEVICE
