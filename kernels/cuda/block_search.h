#pragma once
// Block-wide collectives over a list of n values in memory. All threads of a block call each function with the same arguments
// and get the same result; blocks are dim3(warp, search_warps). The order of sums depends only on n.
//
//   block_total(n, term)            Σ of term(i) over i in [0, n), in the type that term returns
//   block_largest(x)                the largest x of all threads
//   largest_where(low, high, holds) the largest t in [low, high] with holds(t), by bisection. holds must be monotonic, and is not
//                                   called for low, where it must be true
//   compact(list, n, take)          moves the items that take(i, item) accepts to the start of the list, in order, and returns
//                                   their number. take() sets the item to the stored value
#include "kernels/cuda/common.h"

namespace gradus::DEVICE {

constexpr int search_warps = 16, search_threads = search_warps * warp;

__device__ inline int thread_of_block() { return int(threadIdx.y) * warp + int(threadIdx.x); }

template <class Value, class Join>
__device__ Value block_join(Value x, Join join) {
    SHARED(Value, of_warps, [search_warps]);
    for (int step = warp / 2; step > 0; step /= 2) x = join(x, __shfl_xor_sync(all_lanes, x, step));
    __syncthreads();  // the result of the previous call has been read
    if (threadIdx.x == 0) of_warps[threadIdx.y] = x;
    __syncthreads();
    x = of_warps[0];
    for (int w = 1; w < search_warps; ++w) x = join(x, of_warps[w]);
    return x;
}

struct Plus {
    template <class Value>
    __device__ Value operator()(Value a, Value b) const {
        return a + b;
    }
};
struct Larger {
    template <class Value>
    __device__ Value operator()(Value a, Value b) const {
        return a < b ? b : a;
    }
};

template <class Value>
__device__ Value block_largest(Value x) {
    return block_join(x, Larger());
}

template <class Term>
__device__ auto block_total(int n, Term term) {
    decltype(term(0)) sum = 0;
    for (int i = thread_of_block(); i < n; i += search_threads) sum += term(i);
    return block_join(sum, Plus());
}

template <class Holds>
__device__ unsigned largest_where(unsigned low, unsigned high, Holds holds) {
    while (low < high) {
        const unsigned middle = high - (high - low) / 2;
        if (holds(middle)) low = middle;
        else high = middle - 1;
    }
    return low;
}

struct Item {
    float value;
    int id;
};
struct List {
    float* values;
    int* ids;
    __device__ Item operator[](int i) const { return {values[i], ids[i]}; }
};

template <class Take>
__device__ int compact(const List& list, int n, Take take) {
    SHARED(int, of_warps, [search_warps]);
    int kept = 0;
    for (int first = 0; first < n; first += search_threads) {
        const int i = first + thread_of_block();
        Item item = {};
        const bool mine = i < n && take(i, item);
        const unsigned votes = __ballot_sync(all_lanes, mine);
        if (threadIdx.x == 0) of_warps[threadIdx.y] = __popc(votes);
        __syncthreads();  // all threads have read their items, so items before `first + search_threads` may be overwritten
        int before = __popc(votes & ((1u << threadIdx.x) - 1)), accepted = 0;
        for (int w = 0; w < search_warps; ++w) {
            if (w < int(threadIdx.y)) before += of_warps[w];
            accepted += of_warps[w];
        }
        if (mine) {
            list.values[kept + before] = item.value;
            list.ids[kept + before] = item.id;
        }
        kept += accepted;
        __syncthreads();
    }
    return kept;
}

}  // namespace gradus::DEVICE
