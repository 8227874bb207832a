#pragma once
// The head: logits of every row against the vocabulary, and the loss. The mathematics: kernels/cross_entropy.h.
//
// The logits of all rows would be the largest tensor of the whole step ([N,V]: 412 MB for 2,048 rows of GPT-2 in f32)
// and are never held: the rows go through in chunks, and in training each chunk's logits turn into their gradient and
// are used up before the next chunk is computed. So forward and backward of the head are one walk.
//
// Under tensor parallelism each rank has the logits of its own classes; the ranks join what they know of each row, four
// numbers, and d_x is this rank's part of a sum. Sources: Wijmans et al. 2024 (chunks); Shoeybi et al. 2019 (ranks).
#include "engine/run.h"
#include "engine/spec.h"

namespace gradus {

struct LossConfig {
    double smoothing = 0, z_loss = 0;
};

struct HeadScratch {
    Tensor logits;          // [chunk, classes of this rank]
    Tensor stats, lse;      // [chunk,4], [chunk]
    Tensor gathered_stats;  // [ranks·chunk,4]  the statistics of each rank

    // Rows in a chunk: as many as the device says (Ops::logit_rows), or as keep the logits under 64 MiB, which a cache has a use
    // for: w is read, and d_w read and written, once a chunk.
    static int chunk_rows(const Run& r);

    template <class Visit>
    void each(const Run& r, Visit&& visit) {
        const int rows = chunk_rows(r);
        visit("logits", logits, Shape{rows, r.vocab_rows()}, r.dtype);
        visit("stats", stats, Shape{rows, 4}, r.accumulator());
        visit("lse", lse, Shape{rows}, r.accumulator());
        if (r.tp.size > 1)
            visit("gathered_stats", gathered_stats, Shape{int64_t(r.tp.size) * rows, 4}, r.accumulator());
    }
};

// losses [N] of rows x [N,C] under the head w [V,C]; of V those rows that are this rank's.
void head_loss(const Run&, const LossConfig&, Tensor w, HeadScratch&, Tensor losses, Tensor x, Tensor targets);

// The same, with d_x [N,C] and d_w [V,C] (accumulated) of scale · Σ losses.
void head_loss_and_backward(const Run&, const LossConfig&, Tensor w, Tensor d_w, HeadScratch&, Tensor losses,
                            Tensor d_x, Tensor x, Tensor targets, double scale);

}  // namespace gradus
