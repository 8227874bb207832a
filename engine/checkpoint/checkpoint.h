#pragma once
// Checkpoints of a run: everything that training needs to resume bit for bit, in folders that Hugging Face transformers
// loads as they are.
//
//   RUN/checkpoints/step-00000100/   config.json, model.safetensors, … (engine/checkpoint/weights.h), tokenizer.json,
//                                    gradus/optimizer.safetensors, gradus/manifest.json
//                                    averaged/ (optimizer.average): the same model with the average of its weights
//   RUN/checkpoints/latest           a symbolic link to the newest, for people and commands
//   RUN/checkpoints/best             one to that of the lowest validation loss, where it is kept
//
// A checkpoint is written to RUN/checkpoints/.step-00000100.tmp-PID, flushed to the disk file by file with its manifest
// last, and renamed; then `latest` is updated, then older checkpoints are removed. So a kill, a power cut or a full
// disk at any moment leaves the previous checkpoint loadable, and no folder named step-… is ever incomplete.
//
// In bf16 the model's file is bf16 and the optimizer's holds the f32 masters; in f32 the weights are the masters. Only
// one process writes to a run at a time: the owner of the run's FolderLock (engine/base/file.h).
#include <map>
#include <optional>

#include "engine/checkpoint/manifest.h"
#include "engine/checkpoint/read_lock.h"
#include "engine/checkpoint/snapshot.h"
#include "engine/checkpoint/verify.h"
#include "engine/checkpoint/weights.h"
#include "engine/settings/checkpoint.h"

namespace gradus {

// Which of a run's regular checkpoints are kept (engine/checkpoint/folders.h).
struct Keep {
    int last = int(CheckpointSettings{}.keep);  // number of newest ones; at least 1
    int64_t every =
        CheckpointSettings{}.keep_every;  // checkpoints of steps divisible by this are never removed; 0: none
};

// The folder inside a checkpoint with the average of the weights.
inline constexpr const char* averaged_folder = "averaged";

struct SaveOptions {
    std::string tokenizer_json = {};                     // its text; empty: not written
    std::string end_of_text = {};                        // the special token that ends a text; empty: none
    std::vector<int32_t> more_ends = {};                 // ids that end an answer, in addition to the end of text
    std::string tokenizer_config = {};                   // its text; empty: that of tokenizer_config_of()
    std::map<std::string, std::string> more_files = {};  // name → text: other files of the model
    uint64_t shard_limit = default_shard_limit;
};

// The text of tokenizer_config.json.
std::string tokenizer_config_of(const ModelConfig&, std::string_view end_of_text);

// Writes the checkpoint of state.step, replacing one of the same step, and returns its folder; called by the rank that
// has the snapshot. If the state lists rollback targets, older checkpoints are removed that are not among them, and not the best
// one of the run as this state or that of a target has it. Error
// when the disk is full or the folder cannot be written: it names the newest checkpoint that remains, and no incomplete
// folder is left.
fs::path save_checkpoint(const fs::path& run_folder, const Snapshot&, const TrainingState&, const SaveOptions& = {});
inline fs::path save_checkpoint(const fs::path& run_folder, const LanguageModel& model, Optimizer& optimizer,
                                const TrainingState& state, const SaveOptions& options = {}) {
    return save_checkpoint(run_folder, Snapshot::of(model, optimizer), state, options);
}

struct LatestCheckpoint {
    std::optional<fs::path> folder;             // empty: the run has no complete checkpoint
    std::vector<std::string> notes;             // one line for each newer, damaged checkpoint
    std::shared_ptr<const ReadLock> lock = {};  // on rank 0: the folder is not removed while this object exists
};

// The newest complete checkpoint, or the newest among `of_steps`. Read-only. A caller that will use the files asks for
// verification of their checksums, so that damage to the newest checkpoint costs only the steps since the previous one.
// Collective over `all`: the ranks share the reading and get the same result.
LatestCheckpoint latest_checkpoint(const fs::path& run_folder, VerifyLevel = VerifyLevel::sizes, const Comm& all = {},
                                   const std::optional<std::vector<int64_t>>& of_steps = {});

// Locks a model's folder that the user names; every rank of `all` calls it. A checkpoint is verified, and damage is an
// Error that names the file.
LockedFolder lock_model(const fs::path& folder, VerifyLevel, const Comm& all = {});

// Whether the checksums of a checkpoint were verified already.
enum class Verified { no, yes };

// Another model that trains in the same run, and its folder inside the checkpoint: the value model of PPO.
struct Companion {
    std::string folder;
    const ModelConfig* model;
    Parameters* parameters;
    Optimizer* optimizer;
};

// Fills weights and optimizer from a checkpoint made on any mesh; every rank calls it. Error when a file was truncated
// or edited, or when the checkpoint has another model or dtype, listing each difference; weights and optimizer are then
// unchanged. require_same_run() compares the settings of the two runs (engine/resolve/same_run.h).
TrainingState load_checkpoint(const fs::path& folder, Parameters&, const ModelConfig&, Optimizer&, const Mesh& = {},
                              Verified = Verified::no, const std::vector<Companion>& = {});
inline TrainingState load_checkpoint(const fs::path& folder, LanguageModel& model, Optimizer& optimizer,
                                     const Mesh& mesh = {}, Verified verified = Verified::no) {
    return load_checkpoint(folder, model.parameters, model.config(), optimizer, mesh, verified);
}

// Removes the incomplete files of killed processes. save_checkpoint() does so too; a run that starts on a nearly full
// disk may need the space earlier.
void remove_leftovers(const fs::path& run_folder);

}  // namespace gradus
