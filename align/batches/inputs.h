#pragma once
// A micro-batch of sequences on the device, with a number for each of its rows that goes there or comes back.
#include "align/batches/pack.h"
#include "engine/run.h"

namespace gradus {

class SequenceInputs {
public:
    explicit SequenceInputs(const Run&);

    // Queues the copy of a micro-batch; the one before must have been used (fetch() or synchronise).
    const Batch& upload(const MicroBatch&, const std::vector<Sequence>&);
    // per_row [N] in the accumulator's dtype comes to the host: row t of a sequence becomes entry t + shift of its numbers. Waits for
    // the device.
    void fetch(PerId& to, int shift) const;
    // The other way round: rows without an entry are 0.
    void send(const PerId& from, int shift);

    Tensor per_row() const { return per_row_; }
    Tensor losses() const { return losses_; }  // [N] that nobody reads
    size_t bytes() const { return arena_.bytes(); }

private:
    template <class Visit>
    void each_row(Visit&& visit) const;  // (sequence, id, row)

    const Run run_;
    Arena arena_, on_host_;
    Batch batch_;
    StagedBatch staged_;
    Tensor per_row_, host_per_row_, losses_;
    HostBatch host_;
    MicroBatch placed_;
    std::vector<int> lengths_;
};

}  // namespace gradus
