#pragma once
// What the kernels in tiles share on the host and in their first lines: which tensors they accept, the dispatch on the head
// width, the order of blocks, and the key intervals of the queries of a warp.
//
// Head width. A kernel is compiled for the widths of by_width(); a D between two of them is padded with zeros in shared memory.
//
// Order of blocks. Blocks start in the order of their index, and with a causal mask the last queries have the most keys. So the
// longest blocks start first: then the last ones to run are short, and no multiprocessor waits long for another. But if the
// blocks of all heads were in that order, the keys and values of all heads would compete for the L2 cache. So the heads are in
// sections whose keys and values fit there, one section after the other.
#include <initializer_list>

#include "kernels/choices.h"
#include "kernels/cuda/attention.h"
#include "kernels/cuda/attention/cores.h"

namespace gradus::DEVICE {

constexpr float log2_of_e = 1.4426950408889634f, log_of_2 = 0.6931471805599453f;

template <class Score>
constexpr bool is_plain = std::is_same_v<Score, PlainScore>;

// ---- on the host -----------------------------------------------------------------------------------------------------

// f32: the tiles of wider heads do not fit into the shared memory of all GPUs since sm_80.
template <class Scalar>
constexpr int widest_head = sizeof(Scalar) == 2 ? 256 : 128;

// Whether kernels are compiled for widths between powers of two: in bf16 without a score function. Models with a score function have
// heads of 64 (T5), 128 (BLOOM, MPT, Gemma 2 27B) or 256 (Gemma 2 9B), and training in f32 is not about speed.
template <class Scalar, class Score>
constexpr bool has_own_widths = sizeof(Scalar) == 2 && is_plain<Score>;

// Calls run() with the head width of the kernel as a constant.
template <class Scalar, class Score, class Run>
void by_width(int64_t D, Run&& run) {
    constexpr int widest = widest_head<Scalar>;
    constexpr bool own = has_own_widths<Scalar, Score>;
    CHECK(D <= widest, "a head too wide for tiles");
    if (D <= 64) return run(std::integral_constant<int, 64>{});
    if constexpr (own) {
        if (D <= 80) return run(std::integral_constant<int, 80>{});
        if (D <= 96) return run(std::integral_constant<int, 96>{});
    }
    if (D <= 128) return run(std::integral_constant<int, 128>{});
    if constexpr (own)
        if (D <= 192) return run(std::integral_constant<int, 192>{});
    if constexpr (widest > 128) run(std::integral_constant<int, widest>{});
}

// Calls run() with the cores for a dtype (cores.h).
template <class Run>
void by_cores(DType t, Run&& run) {
    if (t == DType::bf16) run(Bf16TensorCores{});
    else if (kernel_choices().tf32) run(Tf32TensorCores{});
    else run(F32CudaCores{});
}

// Whether all rows of all heads begin at a multiple of 16 bytes and are multiples of 16 bytes long.
inline bool heads_fit_packs(int64_t D, std::initializer_list<Tensor> tensors) {
    for (const Tensor& t : tensors) {
        const auto fits = [&](int64_t elements) { return size_t(elements) * size_of(t.dtype) % 16 == 0; };
        if (reinterpret_cast<uintptr_t>(t.data) % 16 || !fits(t.stride()) || !fits(D)) return false;
    }
    return true;
}

// Tiles of rows of B·heads heads, the long ones first; see above.
struct BlockOrder {
    int tiles, heads, section;  // heads: of all sequences

    struct Place {
        int head, tile;  // tile 0 starts first; head ≥ heads in the blocks that fill the last section
    };
    __device__ Place place() const {
        const int of_section = section * tiles, block = int(blockIdx.x), within = block % of_section;
        return {block / of_section * section + within % section, within / section};
    }
    dim3 grid() const { return blocks_for(int64_t((heads + section - 1) / section) * section * tiles, 1); }
};

// head_bytes: of the rows that the blocks of a head share.
inline BlockOrder block_order(int64_t rows, int tile_rows, int64_t heads, int64_t head_bytes) {
    constexpr int64_t cache = 16 << 20;  // well below the L2 cache of a data centre's GPU since sm_80
    return {int((rows + tile_rows - 1) / tile_rows), int(heads),
            int(std::clamp<int64_t>(cache / std::max<int64_t>(head_bytes, 1), 1, heads))};
}

// ---- in a kernel -----------------------------------------------------------------------------------------------------

// Of the pairs of some queries and some keys: how many count.
enum class Seen { none, some, all };

// The key intervals of the queries [first, last]. They never decrease, so those of all lie between those of these two.
struct IntervalRange {
    int first_lo, first_hi, last_lo, last_hi;

    __device__ Seen keys(int first, int end) const {
        if (end <= first_lo || last_hi <= first) return Seen::none;
        return last_lo <= first && end <= first_hi ? Seen::all : Seen::some;
    }
};

// Of the queries [first, end) of sequence b; none see anything if the range is empty. `of` as interval_of().
__device__ inline IntervalRange interval_range(const int32_t* lo, const int32_t* hi, const HeadSizes& of, int64_t b,
                                               int first, int end) {
    if (first >= end) return {0, 0, 0, 0};
    const int64_t row = b * of.Tq;
    return {lo[row + first], hi[row + first], lo[row + end - 1], hi[row + end - 1]};
}

// The first i with values[i] > x, or `count`; values never decrease. By a warp: each step leaves one part in 32.
__device__ inline int first_above(const int32_t* values, int count, int x) {
    int first = 0, end = count;  // the result is in [first, end]
    while (first < end) {
        const int part = (end - first + warp - 1) / warp, last = first + (int(threadIdx.x) % warp + 1) * part - 1;
        const bool above = last >= end || values[last] > x;  // not above in the parts before the result's
        const unsigned votes = __ballot_sync(all_lanes, above);
        first += (votes ? __ffs(int(votes)) - 1 : warp) * part;
        end = min(end, first + part - 1);
    }
    return first;
}

}  // namespace gradus::DEVICE
