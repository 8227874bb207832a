#pragma once
// How a training run begins: afresh, from weights that exist, or where its newest checkpoint left off.
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
#include "tools/pretrain/data.h"
#include "tools/ranks.h"

namespace gradus {

// The checkpoint that a run goes on from.
struct ResumePoint {
    fs::path folder;
    TrainingState state;
};

// Looks in the run's folder. `never` is --resume never: Error when the folder holds a run already. Damaged checkpoints
// are named on stderr and passed over, those whose checksums do not fit among them; when nothing else is left that is an
// Error, since going on would replace them. Every rank calls: they share the reading and find the same. The first one holds the
// folder.
std::optional<ResumePoint> find_resume_point(const fs::path& run_folder, bool never, const Comm& all);

// What a save does once its checkpoint is whole: it may have been killed before. The first rank calls.
void finish_save(const ResumePoint&);

// The settings in full; model.from is a folder with weights by now. Error when they differ from those that the run began
// with, or when the data's tokens are not those of model.from. Where the clock is to set train.steps and has not yet,
// there are more of them than any warm-up asks for.
Resolved resolve_run(const Config&, const PretrainData&, const std::optional<ResumePoint>&, int ranks);
// The same with as many steps as the clock found.
Resolved resolve_timed_run(const Config&, const PretrainData&, int64_t steps, int ranks);

// A model in memory with its optimizer, filled, and what validates and samples: nothing is allocated after the first step.
struct TrainingRun {
    std::unique_ptr<LanguageModel> model;
    std::unique_ptr<Trainer> trainer;
    std::unique_ptr<Validation> validation;  // null: there is no text to validate on
    std::unique_ptr<Generator> samples;      // null: none are asked for
    RunState state;
};
TrainingRun start_run(const Resolved&, const DataFacts&, const std::optional<ResumePoint>&, const Mesh&, const Ops&);

// train.minutes: how many steps fit, found by timing the first ones on a model that is thrown away, by the clock of the
// first rank; nothing when a stop was requested meanwhile. `elapsed` seconds of the minutes are gone already. Error when hardly any fit.
std::optional<int64_t> steps_for_minutes(const Resolved&, const PretrainBatches&, double elapsed, const Mesh&,
                                         const Ops&);

}  // namespace gradus
