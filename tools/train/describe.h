#pragma once
// The output of a run before its first step.
#include "tools/train/start.h"

namespace gradus {

// The lines `model`, `data` and `batch`.
void describe_run(const Resolved&, const RunData&, const RunBatches&);

struct RunMemory {  // bytes of a rank
    double params = 0, grads = 0, optimizer = 0, activations = 0;
    double inputs = 0;   // of training and validation
    double samples = 0;  // KV cache of samples
    double others = 0;   // known only in a plan
};
// The line `memory`, with `more` after the total.
void describe_memory(const RunMemory&, int ranks, const std::string& more = "");

// Notes about surprising settings: without effect, many epochs, less validation text than validation.windows.
void note_warnings(const Resolved&, const RunBatches&);

// The lines `memory`, planned, and `dry run`: what the command would do without --dry-run.
void describe_dry_run(const Resolved&, const RunData&, const std::optional<ResumePoint>&, int ranks);

}  // namespace gradus
