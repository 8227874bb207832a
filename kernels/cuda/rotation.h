#pragma once
// Rotation of the heads of a row: kernels/rope.h. A group of threads has a head, and a block the heads of a row: threadIdx.x is the
// thread of the group and threadIdx.y the group. A share of a head is two parts of `width` neighbouring channels that hold `width`
// pairs, so that a thread rotates in its registers:
//
//   half_split    channels width·j, …  and  R + width·j, …          interleaved    channels 2·width·j, …, the next part
//
// After the shares of the 2·R rotated channels come those of the others, two parts each, the last perhaps one.
#include "kernels/cuda/parts.h"
#include "kernels/rope.h"

namespace gradus::DEVICE {

// Heads of every row of a tensor: head h of row n begins at data + n·stride + h·D.
template <class Scalar>
struct RowHeads {
    Scalar* data;
    int64_t stride;

    __device__ Scalar* at(int64_t n, int h, int D) const { return data + n * stride + int64_t(h) * D; }
};

template <class Scalar>
RowHeads<Scalar> row_heads(const Tensor& t) {
    return {static_cast<Scalar*>(t.data), t.stride()};
}

// (cos, sin) of the pairs of a share; (1, 0) if it is not rotated.
template <int width>
struct Angles {
    float cosine[width], sine[width];
};

template <int parts_width, RopeLayout layout>
struct HeadShare {
    static constexpr int width = parts_width;
    int first, second;  // channels at which the parts begin
    bool paired;        // whether there is a second part
    bool rotated;

    __device__ HeadShare(int j, int R, int D) : first(2 * width * j), second(first + width) {
        rotated = width * j < R;
        if (layout == RopeLayout::half_split && rotated) {
            first = width * j;
            second = R + first;
        }
        paired = second < D;
    }
    static __device__ __host__ int count(int R, int D) { return R / width + (D - 2 * R + 2 * width - 1) / (2 * width); }

    // rope_table: the row of the head's position
    __device__ Angles<width> angles(const float* rope_table, float direction) const {
        Angles<width> turn;
        for (int i = 0; i < width; ++i) {
            turn.cosine[i] = 1;
            turn.sine[i] = 0;
        }
        if (!rotated) return turn;
        const int pair = layout == RopeLayout::half_split ? first : first / 2;
        if constexpr (width == 1) {
            turn.cosine[0] = rope_table[2 * pair];
            turn.sine[0] = rope_table[2 * pair + 1] * direction;
        } else {
            const auto table = load_part<2 * width>(rope_table + 2 * pair);
            for (int i = 0; i < width; ++i) {
                turn.cosine[i] = table[2 * i];
                turn.sine[i] = table[2 * i + 1] * direction;
            }
        }
        return turn;
    }
    // The first part of x in x[0, width), the second in x[width, 2·width); 0 if there is none.
    template <class Scalar>
    __device__ void load(float (&x)[2 * width], const Scalar* head) const {
        const auto low = load_part<width>(head + first);
        Part<Scalar, width> high = {};
        if (paired) high = load_part<width>(head + second);
        for (int i = 0; i < width; ++i) {
            x[i] = low[i];
            x[width + i] = high[i];
        }
    }
    template <class Scalar>
    __device__ void store(Scalar* head, const float (&x)[2 * width]) const {
        store_part(head + first, part_of<Scalar, width>([&](int i) { return x[i]; }));
        if (paired) store_part(head + second, part_of<Scalar, width>([&](int i) { return x[width + i]; }));
    }
    __device__ void rotate(float (&x)[2 * width], const Angles<width>& turn) const {
        constexpr bool halves = layout == RopeLayout::half_split;
        for (int i = 0; i < width; ++i) {
            float &u = x[halves ? i : 2 * i], &v = x[halves ? width + i : 2 * i + 1];
            const float rotated_u = u * turn.cosine[i] - v * turn.sine[i];
            v = v * turn.cosine[i] + u * turn.sine[i];
            u = rotated_u;
        }
    }
};

// ---- on the host -----------------------------------------------------------------------------------------------

constexpr int head_block_threads = 128;

// Threads for heads of so many shares, and heads at a time, for a row of `heads` heads: whole warps.
inline dim3 head_block(int shares, int heads) {
    int threads = 1;
    while (threads < shares && threads < warp) threads *= 2;
    const int of_warp = warp / threads, most = head_block_threads / threads;
    return dim3(unsigned(threads), unsigned(std::min(most, (heads + of_warp - 1) / of_warp * of_warp)));
}

// Calls run(share) with a std::type_identity of the HeadShare. Packs hold whole pairs if R and D are multiples of them.
template <class Scalar, class Run>
void by_share(bool vectors, int64_t R, int64_t D, RopeLayout layout, Run&& run) {
    constexpr int width = vector_width<Scalar>;
    by_width<width>(vectors && R % width == 0 && D % width == 0, [&](auto parts_width) {
        if (layout == RopeLayout::half_split)
            return run(std::type_identity<HeadShare<parts_width, RopeLayout::half_split>>{});
        run(std::type_identity<HeadShare<parts_width, RopeLayout::interleaved>>{});
    });
}

}  // namespace gradus::DEVICE
