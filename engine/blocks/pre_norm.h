#pragma once
// A pre-norm transformer block: GPT-2's and LLaMA's alike.
//
//   mid = x   + attention( norm(x) )
//   y   = mid + feed_forward( norm(mid) )
//
// Under recomputation all layers share one BlockActs, and backward runs block_forward again first.
//
// Under tensor parallelism x, mid and y are the rows that are this rank's own (n = N/tp of them, engine/run.h), and so
// are norms, dropout and sums. A matrix needs all rows: they are gathered before the first of a branch, and what the
// last one adds to them is summed and scattered. That is two lines forward and two backward in each branch, of half an
// all-reduce each. Source: Korthikanti et al. 2022 (sequence parallelism); the gathered rows are kept for backward
// instead of being gathered again (docs/decisions.md).
#include "engine/layers/attention.h"
#include "engine/layers/feed_forward.h"
#include "engine/layers/norm.h"
#include "engine/layers/under.h"

namespace gradus {

struct PreNorm {
    struct Weights {
        NormWeights norm1, norm2;
        AttentionWeights attention;
        FeedForwardWeights feed_forward;

        template <class Visit>
        void each(const Dims& d, const ModelConfig& m, Visit&& visit) {
            norm1.each(m, under("norm1", visit));
            attention.each(d, m, under("attention", visit));
            norm2.each(m, under("norm2", visit));
            feed_forward.each(d, m, under("feed_forward", visit));
        }
    };

    struct Acts {                 // kept from forward to backward
        Tensor normed1, normed2;  // [N,C]
        Tensor mid;               // [n,C]
        NormActs norm1, norm2;
        AttentionActs attention;
        FeedForwardActs feed_forward;

        template <class Visit>
        void each(const Run& r, Visit&& visit) {
            const Shape rows = {r.d.N(), r.d.C}, own_rows = {r.own_rows(), r.d.C};
            visit("normed1", normed1, rows, r.dtype);
            norm1.each(r, under("norm1", visit));
            attention.each(r, under("attention", visit));
            visit("mid", mid, own_rows, r.dtype);
            visit("normed2", normed2, rows, r.dtype);
            norm2.each(r, under("norm2", visit));
            feed_forward.each(r, under("feed_forward", visit));
        }
    };

    struct Scratch {      // used by every layer in turn
        Tensor branch;    // [N,C]  what a branch adds to the stream; in backward, the gradient of that
        Tensor d_normed;  // [N,C]
        Tensor d_mid;     // [n,C]
        AttentionScratch attention;
        FeedForwardScratch feed_forward;

        template <class Visit>
        void each(const Run& r, bool training, Visit&& visit) {
            const Shape rows = {r.d.N(), r.d.C}, own_rows = {r.own_rows(), r.d.C};
            visit("branch", branch, rows, r.dtype);
            if (!training) return;
            visit("d_normed", d_normed, rows, r.dtype);
            visit("d_mid", d_mid, own_rows, r.dtype);
            attention.each(r, under("attention", visit));
            feed_forward.each(r, under("feed_forward", visit));
        }
        Tensor rows() const { return branch; }  // [N,C]  free between blocks
    };

    using Cache = AttentionCache;

    static void forward(const Run&, int layer, const Weights&, Acts&, Scratch&, const Batch&, Tensor rope_table,
                        Tensor y, Tensor x);
    // d_x may be d_y.
    static void backward(const Run&, int layer, const Weights& w, Weights& d_w, const Acts&, Scratch&, const Batch&,
                         Tensor rope_table, Tensor d_x, Tensor d_y, Tensor x);
    // For generation: the rows of `acts` are those of the call. y may be x.
    static void cached(const Run&, const Weights&, Acts& acts, Scratch&, Cache&, const CachedRows&, Tensor rope_table,
                       Tensor y, Tensor x);
};

}  // namespace gradus
