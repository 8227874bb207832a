#pragma once
// The loss on text that no step trains on. What it needs is allocated when it is made, before the first step of a run.
#include <functional>
#include <vector>

#include "engine/language_model.h"
#include "engine/mesh.h"

namespace gradus {

struct ValidationResult {
    double nats = 0;  // summed over all targets
    int64_t targets = 0;
    double bytes = 0;   // of text that the targets spell
    bool whole = true;  // false: stopped before the last window
    double loss() const { return nats / double(targets); }
    double bits_per_byte() const;
};

class Validation {
public:
    explicit Validation(LanguageModel&, const Mesh& = {});

    // The plain cross-entropy of `windows` sequences (of the model's context), whatever the loss of training adds to it: so
    // that its nats and bits per byte compare with those of any other run. `bytes_of` gives the length of each id's text.
    // The ranks of dp share the sequences out. `stop` is asked before each batch, and must say the same on every rank.
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

// For a single one.
inline ValidationResult validate_loss(LanguageModel& model, int64_t windows, const NextBatch& next_batch,
                                      const std::vector<int32_t>& bytes_of, const std::function<bool()>& stop = {},
                                      const Mesh& mesh = {}) {
    return Validation(model, mesh).run(windows, next_batch, bytes_of, stop);
}

}  // namespace gradus
