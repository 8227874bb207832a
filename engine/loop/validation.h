#pragma once
// The loss on held-out text. Its memory is allocated in the constructor, before the first step of a run.
#include <functional>
#include <vector>

#include "engine/language_model.h"
#include "engine/mesh.h"

namespace gradus {

struct ValidationResult {
    double nats = 0;  // summed over all targets
    int64_t targets = 0;
    double bytes = 0;      // of the targets' text
    bool complete = true;  // false: stopped before the last window
    double loss() const { return nats / double(targets); }
    double bits_per_byte() const;
};

class Validation {
public:
    explicit Validation(LanguageModel&, const Mesh& = {});

    // The plain cross-entropy of `windows` sequences (of the model's context), without the other terms of the training
    // loss, so that nats and bits per byte are comparable between runs. `bytes_of` gives the length of each id's text.
    // The ranks of dp divide the sequences. `stop` is polled before each batch, and must return the same on every rank.
    ValidationResult run(int64_t windows, const NextBatch& next_batch, const std::vector<int32_t>& bytes_of,
                         const std::function<bool()>& stop = {});

    size_t bytes() const { return inputs_.bytes(); }  // on the device

private:
    LanguageModel& model_;
    Mesh mesh_;
    Arena inputs_, on_host_;
    Batch batch_;
    StagedBatch staged_;
    Tensor losses_, host_losses_;
    HostBatch host_;
};

// For a single validation.
inline ValidationResult validate_loss(LanguageModel& model, int64_t windows, const NextBatch& next_batch,
                                      const std::vector<int32_t>& bytes_of, const std::function<bool()>& stop = {},
                                      const Mesh& mesh = {}) {
    return Validation(model, mesh).run(windows, next_batch, bytes_of, stop);
}

}  // namespace gradus
