#pragma once
// Cross-entropy of logits against targets, in steps so that the vocabulary may be spread over ranks: partial statistics
// of the classes at hand, their join over the ranks, the loss from the joined statistics, the gradient in place of the
// logits.
//
//   stats      top[n]    = max_v z[n,v]                     total[n] = Σ_v exp(z[n,v] − top[n])
//              hit[n]    = z[n, target[n]] or 0             mass[n]  = Σ_v z[n,v]
//   join       top = max_r top_r       total = Σ_r total_r · exp(top_r − top)       hit = Σ_r hit_r       mass = Σ_r mass_r
//   forward    lse[n]    = top[n] + log total[n]
//              loss[n]   = lse − (1 − ε)·hit − ε·mass/V + ζ·lse²
//   backward   d_z[n,v]  = scale · ( exp(z[n,v] − lse[n])·(1 + 2ζ·lse[n]) − (1 − ε)·[v = target[n]] − ε/V )
//
// ε is label smoothing (uniform over all V classes, as PyTorch has it), ζ the z-loss. A target below 0 is ignored: loss
// and gradient of its row are 0. scale is 1 / (number of targets of the whole global batch).
//
// Nobody needs to hold [N,V]: the engine walks the rows in chunks (engine/layers/head.h).
// Memory bound: stats read the logits once, backward reads and writes them once.
#include "kernels/tensor.h"

namespace gradus {

struct CrossEntropyStats {
    Out stats;   // [N,4]   top, total, hit, mass; accumulator dtype
    In logits;   // [N,Vr]  the classes [vocab_offset, vocab_offset + Vr)
    In targets;  // [N]     i32
    int64_t vocab_offset = 0;
};

struct CrossEntropyJoin {
    Out stats;  // [N,4]
    In parts;   // [R·N,4]  the statistics of R ranks, one after the other, added in this order
};

struct CrossEntropyForward {
    Out loss, lse;  // [N]     accumulator dtype
    In stats;       // [N,4]   joined over the ranks
    In targets;     // [N]     i32
    int64_t V;      // classes in all
    double smoothing = 0, z_loss = 0;
};

struct CrossEntropyBackward {
    Acc logits;  // [N,Vr]  become their own gradient
    In lse;      // [N]
    In targets;  // [N]     i32
    int64_t V, vocab_offset = 0;
    double scale;
    double smoothing = 0, z_loss = 0;
};

inline Cost cost(const CrossEntropyStats& a) { return {double(a.logits.bytes()), 4.0 * double(a.logits.size())}; }
inline Cost cost(const CrossEntropyJoin& a) { return {double(a.parts.bytes()), 3.0 * double(a.parts.size())}; }
inline Cost cost(const CrossEntropyForward& a) { return {double(a.stats.bytes()), 8.0 * double(a.loss.size())}; }
inline Cost cost(const CrossEntropyBackward& a) {
    return {2.0 * double(a.logits.bytes()), 4.0 * double(a.logits.size())};
}

}  // namespace gradus
