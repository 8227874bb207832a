#pragma once
// What a run tells of itself before its first step.
#include "tools/pretrain_start.h"

namespace gradus {

// The lines `model`, `data` and `batch`.
void describe_run(const Resolved&, const PretrainData&, const PretrainBatches&);

// Notes on what a user may not expect: settings that are not used as they were written, many epochs, less validation
// text than was asked for.
void note_surprises(const Resolved&, const PretrainBatches&);

// The lines `memory`, planned, and `dry run`: what the command would do without --dry-run.
void describe_dry_run(const Resolved&, const PretrainData&, const std::optional<ResumePoint>&, int ranks);

}  // namespace gradus
