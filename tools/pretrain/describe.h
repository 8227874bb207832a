#pragma once
// What a run tells of itself before its first step.
#include "tools/pretrain/start.h"

namespace gradus {

// The lines `model`, `data` and `batch`.
void describe_run(const Resolved&, const PretrainData&, const PretrainBatches&);

struct RunMemory {  // bytes of a rank
    double params = 0, grads = 0, optimizer = 0, activations = 0;
    double inputs = 0;   // of training and of validation
    double samples = 0;  // cache of what is generated on the way
    double others = 0;   // that only a plan knows
};
// The line `memory`; `more` behind the sum.
void describe_memory(const RunMemory&, int ranks, const std::string& more = "");

// Notes on what a user may not expect: settings that are not used as they were written, many epochs, less validation
// text than was asked for.
void note_surprises(const Resolved&, const PretrainBatches&);

// The lines `memory`, planned, and `dry run`: what the command would do without --dry-run.
void describe_dry_run(const Resolved&, const PretrainData&, const std::optional<ResumePoint>&, int ranks);

}  // namespace gradus
