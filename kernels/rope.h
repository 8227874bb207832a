#pragma once
// Rotary position embedding: pairs of a head's channels are rotated by an angle that grows with the position, so that the
// product of a query and a key depends only on their distance.
//
// For a row at position p and pair i of the first 2·R channels of a head, with (c, s) = rope_table[p,i]:
//
//   half_split    pair i = channels (i, i + R)           interleaved    pair i = channels (2i, 2i + 1)
//
//   x'[first]  = x[first] · c − x[second] · s
//   x'[second] = x[second] · c + x[first] · s
//
// Channels past 2·R stay as they are (partial rotation). Applied in place to the first `heads` heads of every row: the
// queries and the keys of a qkv row, not the values. Backward rotates the gradient the other way: s becomes −s.
//
// rope_table[p,i] = (cos, sin)(p · frequency[i]); the engine computes it once, with the scaling rules
// (engine/layers/rope.h). Sources: Su et al. 2021 (interleaved); Hugging Face LLaMA (half_split). Memory bound.
#include "kernels/tensor.h"

namespace gradus {

enum class RopeLayout { half_split, interleaved };

struct Rope {
    Acc x;          // [N, W]     a row is at least heads·D wide; in place
    In positions;   // [N]        i32, each below P
    In rope_table;  // [P,R,2]    accumulator dtype
    int heads, D;   // heads rotated in each row, and their width; 2·R ≤ D
    RopeLayout layout = RopeLayout::half_split;
};

inline Cost cost(const Rope& a) {
    const double rotated = double(a.x.rows()) * a.heads * 2.0 * double(a.rope_table.shape.dim[1]);
    return {2.0 * rotated * double(size_of(a.x.dtype)), 3.0 * rotated};
}

}  // namespace gradus
