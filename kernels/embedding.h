#pragma once
// Embedding: a row of the token table, plus a row of the position table if the model has one.
//
//   y[n,c] = wte[tokens[n],c] (+ wpe[positions[n],c])
//
// Backward, in the order of the rows so that the result is deterministic:
//   d_wte[tokens[n],c]    += d_y[n,c]
//   d_wpe[positions[n],c] += d_y[n,c]
//
// If the token table is split over ranks, wte holds the rows [first_token, first_token + Vr) of V. An id of another rank
// gives zeros (plus its position's row) and no gradient: the caller sums the outputs of the ranks.
//
// An id outside [0, V) is a bug: the caller has checked the data against the vocabulary.
// Memory bound: two rows read, one written.
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
    Acc d_wte;      // [Vr,C]  accumulator dtype
    Opt d_wpe;      // [P,C]   accumulated, together with positions
    In d_y;         // [N,C]
    In tokens;      // [N]     i32
    Opt positions;  // [N]     i32
    int64_t first_token = 0, V = 0;
};

inline Cost cost(const EmbeddingForward& a) { return {2.0 * double(a.y.bytes()), double(a.y.size())}; }
inline Cost cost(const EmbeddingBackward& a) {
    return {double(a.d_y.bytes()) + 2.0 * double(a.d_y.size() * size_of(a.d_wte.dtype)), double(a.d_y.size())};
}

}  // namespace gradus
