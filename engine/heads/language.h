#pragma once
// The language head: logits of every row of hidden states, and from them losses and log-probabilities of targets. The
// mathematics: kernels/cross_entropy.h.
//
// The logits of all rows would be the largest tensor of the whole step ([N,V]: 412 MB for 2,048 rows of GPT-2 in f32)
// and are never materialised: the rows are processed in chunks, and in training each chunk's logits are overwritten by
// their gradient and used before the next chunk is computed. So forward and backward of the head are a single pass.
//
// With one rank, losses and gradients of a chunk are one op. Under tensor parallelism each rank has the logits of its own ids; the
// ranks combine four statistics of each row, and d_hidden is a partial sum. Sources: Wijmans et al. 2024 (chunks); Shoeybi et al. 2019 (ranks).
#include "engine/models/model.h"

namespace gradus {

struct LossConfig {
    double smoothing = 0, z_loss = 0;
};

struct HeadScratch {
    Tensor logits;          // [chunk, ids of this rank and padding]
    Tensor stats, lse;      // [chunk,4], [chunk]
    Tensor gathered_stats;  // [ranks·chunk,4]  the statistics of each rank

    // Rows in a chunk: Ops::logit_rows of the device, or as many as keep the logits under 64 MiB, so that they fit a
    // cache; w is read, and d_w read and written, once a chunk.
    static int chunk_rows(const Run& r);

    template <class Visit>
    void each(const Run& r, Visit&& visit) {
        const int rows = chunk_rows(r);
        // Rows begin at multiples of 64 elements: matmuls and 16-byte accesses need that, and most vocabularies are odd.
        visit("logits", logits, Shape{rows, aligned_in_arena(r.vocab_rows())}, r.dtype);
        visit("stats", stats, Shape{rows, 4}, r.accumulator());
        visit("lse", lse, Shape{rows}, r.accumulator());
        if (r.tp.size > 1)
            visit("gathered_stats", gathered_stats, Shape{int64_t(r.tp.size) * rows, 4}, r.accumulator());
    }
};

class LanguageHead {
public:
    // Declares its weight, unless it is tied to the embedding (ModelConfig::tied), and its scratch memory.
    LanguageHead(const Run&, Model&, Parameters&, Arena& activations);
    LanguageHead(const LanguageHead&) = delete;
    LanguageHead& operator=(const LanguageHead&) = delete;

    // losses [N] of the rows of hidden [N,C]: 0 where the target is ignored. LossConfig{}: plain cross-entropy.
    void loss(Tensor losses, Tensor hidden, Tensor targets, const LossConfig& = {});
    // The same, with d_hidden [N,C] of loss_scale · Σ losses, and the head's gradient += that, or = that (overwrite).
    void loss_and_backward(Tensor losses, Tensor d_hidden, Tensor hidden, Tensor targets, const LossConfig& = {},
                           bool overwrite = false);
    // log_probs [N] of the targets under softmax(logits/temperature): 0 where the target is ignored; losses [N] =
    // −log_probs.
    void log_probs(Tensor losses, Tensor log_probs, Tensor hidden, Tensor targets, double temperature = 1);
    // For an objective J of the log-probabilities, with d_log_probs [N] = ∂J/∂log_probs: d_hidden [N,C], and the head's
    // gradient += that of J. Recomputes the logits. losses [N] as above.
    void log_probs_backward(Tensor losses, Tensor d_hidden, Tensor d_log_probs, Tensor hidden, Tensor targets,
                            double temperature = 1);
    // logits [N,Vr] of few rows: for the ids of this rank; on the last rank of tp some may be padding.
    void logits(Tensor logits, Tensor hidden);

private:
    struct Loss;
    void run_chunks(const Loss&, Tensor losses, Tensor d_hidden, Tensor hidden, Tensor targets);
    Tensor weight() const { return own_ids(tied_ ? embedding_.value : w_); }
    Tensor d_weight() const { return own_ids(tied_ ? embedding_.grad : d_w_); }
    Tensor own_ids(const Tensor& w) const { return w.slice(0, run_.vocab_rows()); }

    const Run run_;
    const bool tied_;
    WeightRef embedding_;
    Tensor w_, d_w_;  // [V,C]
    HeadScratch scratch_;
};

}  // namespace gradus
