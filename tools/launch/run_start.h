#pragma once
// The checks that every training run makes before its first step.
#include <chrono>
#include <optional>

#include "engine/base/file.h"
#include "engine/loop/run_state.h"
#include "engine/resolve.h"
#include "tools/ranks.h"
#include "tools/train/start.h"

namespace gradus {

// Creates and locks the folder of a new run. Error if another run has begun in it since it was looked for.
void lock_new_folder(const fs::path& folder, std::optional<FolderLock>& lock);

// Error for differences between ranks that would otherwise go unnoticed: program, recipe, data.
void require_same_run_on(const MpiWorld&, const Resolved&);

// Called before anything is allocated. Ranks that share a device divide its free memory.
void require_device_memory(const MpiWorld&, const Resolved&, const DataFacts&, const Ops&);

// Whether the checkpoint of the lowest validation loss is kept.
bool keeps_best(const Config&);
// Of a run that ends: whether it ended early, where the average of its weights is, and which of its checkpoints is the best one, with
// commands that use them. Lines, or nothing.
std::string ending(const Config&, const RunState&);

// True, and says so, if the run has done all of its steps, or ended early. Otherwise says where a resumed run continues.
bool is_finished(const std::optional<ResumePoint>&, const Config&);

// Limits the lines of steps that are printed; log.jsonl has every step.
class ShowRate {
public:
    bool is_due(bool always);

private:
    std::chrono::steady_clock::time_point shown_ = {};
};

}  // namespace gradus
