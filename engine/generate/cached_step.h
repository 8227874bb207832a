#pragma once
// Runs Model::forward_cached() step by step: rows are collected on the host and copied to the device together; the
// logits of the wanted rows stay there, for a TokenSampler.
//
//   step.begin();
//   step.add({.token = 15496, .sequence = 0, .position = 0});
//   int row = step.add_wanted({.token = 11, .sequence = 0, .position = 1});
//   step.run();
//   step.logits(row) …                                                       the token at position 2
//
// With Runtime::graphs, steps in which every row is wanted are replayed (engine/replays.h): one graph for each number of
// rows. Everything else that differs between such steps is in device memory: tokens, sequences, positions. So that a few
// graphs serve all steps, the caller pads steps to padded_rows().
#include <span>
#include <vector>

#include "engine/language_model.h"
#include "engine/replays.h"

namespace gradus {

class CachedStep {
public:
    struct Row {
        int32_t token, sequence, position;
    };

    // Allocates a cache of S sequences of at most P positions; at most `rows` rows in a step, at most S of them wanted.
    CachedStep(LanguageModel&, int S, int P, int rows);

    void begin();
    void add(const Row&);
    int add_wanted(const Row&);  // returns the index of its logits
    // A row that nobody reads, of a sequence without ids: it is at position 0, where the first id of the sequence will
    // overwrite its key and value. After all other rows.
    void add_padding(int32_t sequence);
    void run();
    // The caller has waited for the stream since run(), so begin() need not.
    void waited() { busy_ = false; }
    // The number of rows to which a step of `rows` wanted rows is padded, at most the number of sequences: a power of
    // two, above 8 a multiple of 8. `rows` where there is nothing to gain.
    int padded_rows(int rows) const;

    // [V] of a wanted row in host memory, until the next call. The first call after run() fetches all wanted rows.
    std::span<const float> logits(int wanted);
    // [R,k,Vr] of the k wanted rows, without padding: the vocabulary in slices of Vr ids, one for each of the R ranks of tp.
    Tensor device_logits() const;

    size_t bytes() const { return arena_.bytes() + cache_->bytes(); }  // on the device
    size_t host_bytes() const;

private:
    void wait();
    void forward(int64_t rows, int64_t wanted);

    LanguageModel& model_;
    std::unique_ptr<KvCache> cache_;
    Arena arena_;
    Tensor columns_;                  // [5·rows] i32
    Tensor own_logits_, all_logits_;  // [S,Vr], [R·S,Vr]
    std::vector<Row> rows_;
    std::vector<int32_t> wanted_, columns_host_;
    int64_t padding_ = 0;  // the last of wanted_
    Replays steps_;
    bool busy_ = false;                  // the device may still read columns_host_
    std::vector<std::byte> raw_logits_;  // of all wanted rows of the step, once logits() has fetched them
    bool fetched_ = false;
    std::vector<float> logits_host_;
};

}  // namespace gradus
