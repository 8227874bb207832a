#pragma once
// Accesses to several neighbouring elements at once. A Part is `width` elements: with the width of vectors it is read and written with
// 16-byte accesses, and one thread has as much data in flight as eight threads with a bf16 each. A kernel is a template on the width;
// the host chooses the width of vectors if all pointers and row strides are multiples of 16 bytes, else 1.
#include <initializer_list>
#include <type_traits>

#include "kernels/cuda/common.h"
#include "kernels/cuda/primitives/conversion.h"

namespace gradus::DEVICE {

template <class Scalar>
constexpr int vector_width = Pack<Scalar>::size;

// Four bf16 in 8 bytes, beside a pack of four f32.
struct alignas(8) HalfPack {
    unsigned pair[2];
};

template <class Scalar, int width>
struct Part {
    static_assert(width % vector_width<Scalar> == 0, "a part is one element or some packs");
    static constexpr int packs = width / vector_width<Scalar>;
    Pack<Scalar> pack[packs];

    __device__ float operator[](int i) const { return float(pack[i / pack[0].size][i % pack[0].size]); }
};

template <class Scalar>
struct Part<Scalar, 1> {
    Scalar element;

    __device__ float operator[](int) const { return float(element); }
};

// Pairs in words, because a float is the upper half of a word: one instruction takes it out.
template <int width>
requires(width > 1) struct Part<bf16, width> {
    static constexpr int packs = width / 8;
    Pack<unsigned> pack[packs];

    __device__ float operator[](int i) const {
        const unsigned pair = pack[i / 8][i % 8 / 2];
        return std::bit_cast<float>(i % 2 ? pair & 0xffff0000u : pair << 16);
    }
};

template <>
struct Part<bf16, 4> {
    HalfPack half;

    __device__ float operator[](int i) const {
        const unsigned pair = half.pair[i / 2];
        return std::bit_cast<float>(i % 2 ? pair & 0xffff0000u : pair << 16);
    }
};

template <int width, class Scalar>
__device__ Part<Scalar, width> load_part(const Scalar* address) {
    Part<Scalar, width> part;
    if constexpr (width == 1) part.element = *address;
    else if constexpr (width < vector_width<Scalar>)
        __builtin_memcpy(&part.half, __builtin_assume_aligned(address, sizeof(HalfPack)), sizeof(HalfPack));
    else
        for (int k = 0; k < part.packs; ++k)
            part.pack[k] = std::bit_cast<std::remove_reference_t<decltype(part.pack[k])>>(
                load_pack(address + k * vector_width<Scalar>));
    return part;
}

template <class Scalar, int width>
__device__ void store_part(Scalar* address, const Part<Scalar, width>& part) {
    if constexpr (width == 1) *address = part.element;
    else if constexpr (width < vector_width<Scalar>)
        __builtin_memcpy(static_cast<void*>(__builtin_assume_aligned(address, sizeof(HalfPack))), &part.half,
                         sizeof(HalfPack));
    else
        for (int k = 0; k < part.packs; ++k)
            store_pack(address + k * vector_width<Scalar>, std::bit_cast<Pack<Scalar>>(part.pack[k]));
}

// The part whose element i is value(i), rounded to nearest.
template <class Scalar, int width, class Value>
__device__ Part<Scalar, width> part_of(Value&& value) {
    Part<Scalar, width> part;
    if constexpr (width == 1) part.element = Scalar(value(0));
    else if constexpr (width < vector_width<Scalar>)
        for (int i = 0; i < width; i += 2) part.half.pair[i / 2] = bf16_pair(value(i), value(i + 1));
    else if constexpr (std::is_same_v<Scalar, bf16>)
        for (int i = 0; i < width; i += 2) part.pack[i / 8][i % 8 / 2] = bf16_pair(value(i), value(i + 1));
    else
        for (int i = 0; i < width; ++i) part.pack[i / part.pack[0].size][i % part.pack[0].size] = Scalar(value(i));
    return part;
}

// ---- on the host -----------------------------------------------------------------------------------------------

// Whether all rows of all tensors, which may be empty, begin at a multiple of 16 bytes and are multiples of 16 bytes long.
inline bool vectors_fit(std::initializer_list<Tensor> tensors) {
    for (const Tensor& t : tensors) {
        if (!t) continue;
        const auto fits = [&](int64_t elements) { return size_t(elements) * size_of(t.dtype) % 16 == 0; };
        if (reinterpret_cast<uintptr_t>(t.data) % 16 || !fits(t.last()) || !fits(t.stride())) return false;
    }
    return true;
}

// Calls run(width) with a constant: `width` if vectors, else 1.
template <int width, class Run>
void by_width(bool vectors, Run&& run) {
    if (vectors) return run(std::integral_constant<int, width>{});
    run(std::integral_constant<int, 1>{});
}

}  // namespace gradus::DEVICE
