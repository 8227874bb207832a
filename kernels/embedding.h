#pragma once
// Embedding: a row of the token table, plus a row of the position table if the model has one.
//
//   y[n,c] = wte[tokens[n],c] (+ wpe[positions[n],c])
//
// Backward, in the order of the rows so that the result is deterministic:
//   d_wte[tokens[n],c]    += d_y[n,c]
//   d_wpe[positions[n],c] += d_y[n,c]
//
// order and position_order help a parallel backend: the rows 0 to N − 1 sorted by token (or position), and rows with the same one in
// their own order (sorted_rows() makes them on the host). Rows that are added to the same row of a table are then adjacent, and
// sums may be in parts, in an order that depends only on N and C. Without them it searches.
//
// If the token table is split over ranks, wte holds the rows [first_token, first_token + Vr) of V. An id of another rank
// gives zeros (plus its position's row) and no gradient: the caller sums the outputs of the ranks.
//
// An id outside [0, V) is a bug: the caller has checked the data against the vocabulary.
// Memory bound: two rows read, one written.
#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "kernels/tensor.h"

namespace gradus {

struct EmbeddingForward {
    Out y;                           // [N,C]
    In tokens;                       // [N]     i32
    In wte;                          // [Vr,C]
    Opt positions;                   // [N]     i32, together with wpe
    Opt wpe;                         // [P,C]
    int64_t first_token = 0, V = 0;  // V = 0: wte is the whole table
};

struct EmbeddingBackward {
    Acc d_wte;                            // [Vr,C]  accumulator dtype
    Opt d_wpe;                            // [P,C]   accumulated, together with positions
    In d_y;                               // [N,C]
    In tokens;                            // [N]     i32
    Opt positions;                        // [N]     i32
    Opt order = {}, position_order = {};  // [N]  i32
    int64_t first_token = 0, V = 0;
};

// order[i]: the row with the i-th smallest id; equal ids in the order of their rows. Radix sort: ids are not negative.
inline void sorted_rows(int32_t* order, const int32_t* ids, int64_t N) {
    constexpr int bits = 11, bins = 1 << bits;
    std::vector<int32_t> from(static_cast<size_t>(N));
    std::iota(order, order + N, 0);
    const int32_t largest = N > 0 ? *std::max_element(ids, ids + N) : 0;
    for (int shift = 0; shift < 31 && largest >> shift > 0; shift += bits) {
        std::copy_n(order, N, from.begin());
        const auto bin = [&](int32_t row) { return ids[row] >> shift & (bins - 1); };
        std::array<int64_t, bins + 1> first = {};
        for (const int32_t row : from) ++first[size_t(bin(row)) + 1];
        std::partial_sum(first.begin(), first.end(), first.begin());
        for (int32_t row : from) order[first[size_t(bin(row))]++] = row;
    }
}

inline Cost cost(const EmbeddingForward& a) { return {2.0 * double(a.y.bytes()), double(a.y.size())}; }
inline Cost cost(const EmbeddingBackward& a) {
    return {double(a.d_y.bytes()) + 2.0 * double(a.d_y.size() * size_of(a.d_wte.dtype)), double(a.d_y.size())};
}

}  // namespace gradus
