#pragma once
// The start of a training run: new, from existing weights, or resumed from its newest checkpoint.
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/file.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/generate/generator.h"
#include "engine/loop/run_state.h"
#include "engine/loop/validation.h"
#include "engine/resolve.h"
#include "engine/trainer.h"
#include "tools/ranks.h"
#include "tools/train/data.h"

namespace gradus {

// The checkpoint that a run resumes from.
struct ResumePoint {
    fs::path folder;
    TrainingState state;
};

// Searches the run's folder. `never` is --resume never: Error if the folder already contains a run. Damaged
// checkpoints, including those with wrong checksums, are noted and skipped; if all are damaged, that is an Error, since
// a new run would replace them. Collective: the ranks share the reading and get the same result. Rank 0 has locked the
// folder.
std::optional<ResumePoint> find_resume_point(const fs::path& run_folder, Stage, bool never, const Comm& all);

// Repeats the last part of a save, after which a process may have been killed. Called by rank 0.
void finish_save(const ResumePoint&);

// Resolves the settings; model.from must be a folder with weights. Error if they differ from those that the run began
// with, or if the data's tokens are not those of model.from. While train.minutes has not yet determined train.steps, it
// is largest_count.
Resolved resolve_run(const Config&, const RunData&, const std::optional<ResumePoint>&, int ranks);
// The same with the number of steps from steps_for_minutes().
Resolved resolve_timed_run(const Config&, const RunData&, int64_t steps, int ranks);

// Everything that a run allocates, before its first step: the model and its optimizer, validation and samples.
struct TrainingRun {
    std::unique_ptr<LanguageModel> model;
    std::unique_ptr<Trainer> trainer;
    std::unique_ptr<Validation> validation;  // null: no validation data
    std::unique_ptr<Generator> samples;      // null: no samples
    RunState state;
};
TrainingRun start_run(const Resolved&, const DataFacts&, const std::optional<ResumePoint>&, const Mesh&, const Ops&);

// For train.minutes: the number of steps that fit, from timing the first steps of a temporary model on rank 0; empty if
// a stop is requested. `elapsed`: seconds already used. Error if too few fit.
std::optional<int64_t> steps_for_minutes(const Resolved&, const RunBatches&, double elapsed, const Mesh&, const Ops&);

}  // namespace gradus
