#pragma once
// Embedding: a row of the token table, plus a row of the position table where the model has one.
//
//   y[n,c] = wte[tokens[n],c] (+ wpe[positions[n],c])
//
// Backward, in the order of the rows so that the sum has one order:
//   d_wte[tokens[n],c]    += d_y[n,c]
//   d_wpe[positions[n],c] += d_y[n,c]
//
// An id outside its table is a broken promise: the caller has checked the data against the vocabulary.
// Memory bound: two rows read, one written.
#include "kernels/tensor.h"

namespace gradus {

struct EmbeddingForward {
    Out y;          // [N,C]
    In tokens;      // [N]     i32
    In wte;         // [V,C]
    Opt positions;  // [N]     i32, together with wpe
    Opt wpe;        // [P,C]
};

struct EmbeddingBackward {
    Acc d_wte;      // [V,C]   accumulator dtype
    Opt d_wpe;      // [P,C]   accumulated, together with positions
    In d_y;         // [N,C]
    In tokens;      // [N]     i32
    Opt positions;  // [N]     i32
};

inline Cost cost(const EmbeddingForward& a) { return {2.0 * double(a.y.bytes()), double(a.y.size())}; }
inline Cost cost(const EmbeddingBackward& a) {
    return {double(a.d_y.bytes()) + 2.0 * double(a.d_y.size() * size_of(a.d_wte.dtype)), double(a.d_y.size())};
}

}  // namespace gradus
