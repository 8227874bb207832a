#pragma once
// A micro-batch of sequences on the device, with a number for each of its rows that goes there or comes back.
#include "align/batches/pack.h"
#include "engine/run.h"

namespace gradus {

// The passes of a micro-batch, and their keys in Replays: which kernels run depends on Batch::causal.
enum Pass { forward_pass, backward_pass };
inline int64_t key_of(Pass pass, const Batch& batch) { return 2 * pass + batch.causal; }

class SequenceInputs {
public:
    explicit SequenceInputs(const Run&);

    // Queues the copy of a micro-batch; the one before must have been used (fetch() or synchronise).
    const Batch& upload(const MicroBatch&, const Sequences&);
    // per_row [N] in the accumulator's dtype comes to the host, to the rows of `to` that the micro-batch has: of a sequence, row t
    // becomes row t + shift. Waits for the device.
    void fetch(std::vector<double>& to, int shift) const;
    // The other way round; what has no row there is 0.
    void send(const std::vector<double>& from, int shift);

    Tensor per_row() const { return per_row_; }
    Tensor losses() const { return losses_; }  // [N] that nobody reads
    size_t bytes() const { return arena_.bytes(); }

private:
    template <class Visit>
    void each_row(int shift, Visit&& visit) const;  // (row of the micro-batch, row of the sequences)

    const Run run_;
    Arena arena_, on_host_;
    Batch batch_;
    StagedBatch staged_;
    Tensor per_row_, host_per_row_, losses_;
    HostBatch host_;
    struct Span {  // of a sequence: its first row here and there, and its length
        int64_t here, there, length;
    };
    std::vector<Span> spans_;
};

}  // namespace gradus
