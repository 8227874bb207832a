#pragma once
// Tensors as packs of 16 bytes. A kernel is a template on `aligned`: whether its tensors begin at multiples of 16 bytes. If not, the
// elements of a pack are accessed one by one, by the same thread in the same order, so that the bits do not depend on the alignment.
#include <bit>
#include <initializer_list>
#include <type_traits>

#include "kernels/cuda/common.h"
#include "kernels/cuda/primitives/conversion.h"

namespace gradus::DEVICE {

// ---- on the host -----------------------------------------------------------------------------------------------

// Whether every row of the tensor, or every one of them, begins at a multiple of 16 bytes. Of vectors, the first element counts.
inline bool rows_aligned(const Tensor& t) {
    const bool one_row = t.shape.rank <= 1;
    return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 &&
           (one_row || size_t(t.stride()) * size_of(t.dtype) % 16 == 0);
}
inline bool rows_aligned(std::initializer_list<Tensor> tensors) {
    return std::all_of(tensors.begin(), tensors.end(), [](const Tensor& t) { return !t || rows_aligned(t); });
}

// The same for the elements of contiguous tensors, without regard to rows.
inline bool vectors_aligned(std::initializer_list<Tensor> tensors) {
    return std::all_of(tensors.begin(), tensors.end(),
                       [](const Tensor& t) { return reinterpret_cast<uintptr_t>(t.data) % 16 == 0; });
}

// Calls run(std::true_type) or run(std::false_type).
template <class Run>
void by_alignment(bool aligned, Run&& run) {
    if (aligned) run(std::true_type{});
    else run(std::false_type{});
}

// ---- in a kernel -----------------------------------------------------------------------------------------------

template <bool aligned, class Scalar, class Index>
__device__ Pack<Scalar> read_pack(const Scalar* x, Index p) {
    constexpr int size = Pack<Scalar>::size;
    if constexpr (aligned) {
        return load_pack(x + int64_t(p) * size);
    } else {
        Pack<Scalar> pack;
#pragma unroll
        for (int i = 0; i < size; ++i) pack[i] = x[int64_t(p) * size + i];
        return pack;
    }
}

template <bool aligned, class Scalar, class Index>
__device__ void write_pack(Scalar* x, Index p, const Pack<Scalar>& pack) {
    constexpr int size = Pack<Scalar>::size;
    if constexpr (aligned) {
        store_pack(x + int64_t(p) * size, pack);
    } else {
#pragma unroll
        for (int i = 0; i < size; ++i) x[int64_t(p) * size + i] = pack[i];
    }
}

// Calls visit(p, pack) for the packs first, first + step, … before last. Several loads are in flight at once.
template <bool aligned, class Scalar, class Index, class Visit>
__device__ void each_pack(const Scalar* x, Index first, Index step, Index last, Visit&& visit) {
    constexpr int at_once = 4;
    for (Index p = first; p < last; p += at_once * step) {
        Pack<Scalar> batch[at_once];
#pragma unroll
        for (int k = 0; k < at_once; ++k)
            if (p + k * step < last) batch[k] = read_pack<aligned>(x, p + k * step);
#pragma unroll
        for (int k = 0; k < at_once; ++k)
            if (p + k * step < last) visit(p + k * step, batch[k]);
    }
}

// Floats rounded to nearest.
template <class Scalar>
__device__ Pack<Scalar> rounded_pack(const float (&x)[Pack<Scalar>::size]) {
    if constexpr (sizeof(Scalar) == 2) {
        Pack<uint32_t> words;
#pragma unroll
        for (int i = 0; i < 4; ++i) words[i] = bf16_pair(x[2 * i], x[2 * i + 1]);
        return std::bit_cast<Pack<Scalar>>(words);
    } else {
        Pack<Scalar> pack;
#pragma unroll
        for (int i = 0; i < 4; ++i) pack[i] = x[i];
        return pack;
    }
}

struct Pairs {
    uint32_t word[2];
};

// Elements [i, i + 4) of a vector of n, f32 or bf16: what one thread takes where tensors of both dtypes meet, so that the accesses of a
// warp have no gaps in either. Those past the end are left as they are.
constexpr int four = 4;
template <bool aligned, class Scalar>
__device__ void read_four(float (&values)[four], const Scalar* x, int64_t i, int64_t n) {
    if (aligned && i + four <= n) {
        if constexpr (sizeof(Scalar) == 2) {
            const auto pairs = load_double_word<Pairs>(x + i);
#pragma unroll
            for (int j = 0; j < four; ++j)
                values[j] = std::bit_cast<float>(j % 2 ? pairs.word[j / 2] & 0xffff0000u : pairs.word[j / 2] << 16);
        } else {
            const Pack<Scalar> pack = load_pack(x + i);
#pragma unroll
            for (int j = 0; j < four; ++j) values[j] = pack[j];
        }
    } else {
#pragma unroll
        for (int j = 0; j < four; ++j)
            if (i + j < n) values[j] = float(x[i + j]);
    }
}

template <bool aligned, class Scalar>
__device__ void write_four(Scalar* x, const float (&values)[four], int64_t i, int64_t n) {
    if (aligned && i + four <= n) {
        if constexpr (sizeof(Scalar) == 2)
            store_double_word(x + i, Pairs{{bf16_pair(values[0], values[1]), bf16_pair(values[2], values[3])}});
        else store_pack(x + i, rounded_pack<Scalar>(values));
    } else {
#pragma unroll
        for (int j = 0; j < four; ++j)
            if (i + j < n) x[i + j] = Scalar(values[j]);
    }
}

}  // namespace gradus::DEVICE
