#pragma once
// Rows of packed samples for a trainer (engine/batch.h: NextBatch). Row r of a run is a pure function of (samples,
// options, r): a resumed run, another number of ranks and accumulation see the same rows.
//
// Epoch e: a sample of a file with weight w is in it ⌊w(e+1) + u⌋ − ⌊we + u⌋ times, with u in [0, 1) drawn for the
// sample; so a weight of 2 repeats it, and with 0.5 half of the samples are in one epoch and the others in the next.
// The samples in their order for the epoch are packed (packing.h), and the rows shuffled; both orders are drawn by
// Philox from (seed, epoch).
//
//   tokens[t]     id of a sample, or padding
//   targets[t]    the next id of the sample if it is learnt; else −1
//   positions[t]  inside the sample, from 0
//   first_key[t]  where its sample begins: no position attends to another sample
//
// A share of the rows may come from another NextBatch, for example of pre-training: row r is its row ⌊r·share⌋ if
// ⌊(r+1)·share⌋ > ⌊r·share⌋, so they are spread evenly.
#include <memory>
#include <mutex>
#include <vector>

#include "align/samples/samples.h"
#include "engine/batch.h"

namespace gradus {

struct SampleRowsOptions {
    int context = 1024;
    uint64_t seed = 0;
    int32_t padding = 0;     // an id: nothing attends to it and it is no target
    bool in_order = false;   // for validation: one epoch, not shuffled; rows after it are empty
    double other_share = 0;  // of the rows, from `other`; below 1
    NextBatch other;
};

class SampleRows {
public:
    SampleRows(std::vector<Samples> files, SampleRowsOptions options);
    ~SampleRows();

    // Row r of an epoch, without those of `other`.
    int64_t rows_of_epoch(int64_t epoch) const;
    // Rows of the first epochs, with those of `other`: how many a run of so many epochs needs.
    int64_t rows_of_epochs(int64_t epochs) const;

    void fill(int64_t first_row, HostBatch& batch) const;
    // Calls fill; the object must outlive it.
    NextBatch next_batch() const;

    const std::vector<Samples>& files() const { return files_; }

private:
    struct Place {
        int32_t file;
        int64_t sample;
    };
    struct Epoch;

    std::vector<Place> places_of(int64_t epoch) const;
    std::shared_ptr<const Epoch> make_epoch(int64_t epoch) const;
    // With the lock held: the epoch; the first row of an epoch.
    std::shared_ptr<const Epoch> epoch_at(int64_t epoch) const;
    int64_t first_row_of(int64_t epoch) const;
    int64_t of_other(int64_t rows) const;  // of the first rows of the run
    void fill_row(int64_t row, HostBatch& batch, int b) const;

    std::vector<Samples> files_;
    SampleRowsOptions options_;
    mutable std::mutex mutex_;
    mutable std::vector<int64_t> first_row_ = {0};              // of each epoch so far, and the end of the last
    mutable std::vector<std::shared_ptr<const Epoch>> recent_;  // the last two that were made
};

}  // namespace gradus
