#pragma once
// Rows that are read from memory once. A group of threads has a row of C channels and holds it in registers while it computes the
// row's statistics and results. In a block, threadIdx.x is the thread of the group, and threadIdx.y the group. Every thread has up to
// four packs of 16 bytes, all of which it requests before it uses the first.
//
//   HeldRow     packs threadIdx.x, threadIdx.x + blockDim.x, … are in registers
//   WalkedRow   the same interface for rows that are too long or not aligned: single elements, read again in every pass, from the cache
//
// Narrow rows share a warp, wide ones have several: the host chooses by C (row_groups()).
#include "kernels/cuda/parts.h"
#include "kernels/cuda/primitives/barrier.h"

namespace gradus::DEVICE {

constexpr int packs_of_thread = 4;  // at most

// ---- on the host -----------------------------------------------------------------------------------------------

struct RowGroups {
    int threads;  // of a group: a power of two
    int rows;     // groups of a block
    int packs;    // of a thread; 0: rows are walked

    dim3 block() const { return dim3(unsigned(threads), unsigned(rows)); }
};

// For rows of C channels, in blocks of `threads` threads, or of one group if a group has more, up to most_threads.
template <class Scalar>
RowGroups row_groups(int64_t C, bool vectors, int block_threads, int most_threads) {
    const int64_t packs = vectors ? C / vector_width<Scalar> : C;
    int threads = 8;
    while (threads < most_threads && threads * packs_of_thread < packs) threads *= 2;
    const bool held = vectors && packs <= int64_t(threads) * packs_of_thread;
    return {threads, std::max(1, block_threads / threads), held ? int((packs + threads - 1) / threads) : 0};
}

// Calls run(std::type_identity<Row>{}) with the HeldRow or WalkedRow of these groups.
template <class Scalar, class Run>
void by_row(const RowGroups& groups, Run&& run);

// ---- in a kernel -----------------------------------------------------------------------------------------------

template <class Value, int parts_of_thread>
struct HeldRow {
    using Scalar = Value;
    static constexpr int width = vector_width<Scalar>, packs = parts_of_thread;
    int C;  // 0: this group has no row
    Part<Scalar, width> parts[packs];

    __device__ explicit HeldRow(int64_t channels) : C(int(channels)) {}  // only for each()
    __device__ HeldRow(const Scalar* row, int64_t channels) : C(int(channels)) {
        each([&](int k, int c) { parts[k] = load_part<width>(row + c); });
    }
    // visit(k, c): the thread's part k begins at channel c
    template <class Visit>
    __device__ void each(Visit&& visit) const {
#pragma unroll
        for (int k = 0; k < packs; ++k) {
            const int c = (k * int(blockDim.x) + int(threadIdx.x)) * width;
            if (c < C) visit(k, c);
        }
    }
    __device__ const Part<Scalar, width>& part(int k, int) const { return parts[k]; }

    // Adds another row, rounds the sum, and writes it to `sum`.
    __device__ void add(const Scalar* row, Scalar* sum) {
        const HeldRow other(row, C);
        each([&](int k, int c) {
            parts[k] = part_of<Scalar, width>([&](int i) { return parts[k][i] + other.parts[k][i]; });
            store_part(sum + c, parts[k]);
        });
    }
};

template <class Value>
struct WalkedRow {
    using Scalar = Value;
    static constexpr int width = 1;
    int64_t C;
    const Scalar* row;

    __device__ WalkedRow(const Scalar* begin, int64_t channels) : C(channels), row(begin) {}
    template <class Visit>
    __device__ void each(Visit&& visit) const {
        for (int64_t c = threadIdx.x; c < C; c += blockDim.x) visit(0, c);
    }
    __device__ Part<Scalar, 1> part(int, int64_t c) const { return load_part<1>(row + c); }

    // A thread reads only elements that it wrote itself, so no barrier is needed.
    __device__ void add(const Scalar* other, Scalar* sum) {
        each([&](int, int64_t c) { sum[c] = Scalar(float(row[c]) + float(other[c])); });
        row = sum;
    }
};

// Σ value(x) over the thread's elements x.
template <class Row, class Term>
__device__ float sum_of(const Row& row, Term&& value) {
    float sum = 0;
    row.each([&](int k, auto c) {
        const auto part = row.part(k, c);
        for (int i = 0; i < Row::width; ++i) sum += value(part[i]);
    });
    return sum;
}

// Replaces each of x by its sum over the threads of the group, with one barrier. `of_warps` is shared by the block, and not used by
// the next call.
template <int count>
__device__ void group_sums(float (&x)[count], float (&of_warps)[count][warp]) {
    const int threads = int(blockDim.x);
#pragma unroll
    for (int step = warp / 2; step > 0; step /= 2)
        if (step < threads)
            for (float& each : x) each += __shfl_xor_sync(all_lanes, each, step);
    if (threads <= warp) return;

    const int warps = threads / warp, first = int(threadIdx.y) * warps;
    for (int s = 0; s < count; ++s)
        if (threadIdx.x % warp == 0) of_warps[s][first + int(threadIdx.x) / warp] = x[s];
    named_barrier_sync(1 + int(threadIdx.y), threads);
    for (int s = 0; s < count; ++s) {
        x[s] = 0;
        for (int k = 0; k < warps; ++k) x[s] += of_warps[s][first + k];
    }
}

template <class Scalar, class Run>
void by_row(const RowGroups& groups, Run&& run) {
    switch (groups.packs) {
        case 0: return run(std::type_identity<WalkedRow<Scalar>>{});
        case 1: return run(std::type_identity<HeldRow<Scalar, 1>>{});
        case 2: return run(std::type_identity<HeldRow<Scalar, 2>>{});
        case 3: return run(std::type_identity<HeldRow<Scalar, 3>>{});
        case 4: return run(std::type_identity<HeldRow<Scalar, 4>>{});
    }
    CHECK(false, "a thread holds up to four packs");
}

}  // namespace gradus::DEVICE
