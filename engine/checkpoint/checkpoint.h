#pragma once
// Checkpoints of a run: everything that training needs to go on bit for bit, in folders that Hugging Face transformers
// loads as they are.
//
//   RUN/checkpoints/step-00000100/   config.json, model.safetensors, … (engine/checkpoint/weights.h), tokenizer.json,
//                                    gradus/optimizer.safetensors, gradus/manifest.json
//   RUN/checkpoints/latest           a symbolic link to the newest, for people and commands
//
// A checkpoint is written to RUN/checkpoints/.step-00000100.tmp-PID, flushed to the disk file by file with its manifest
// last, and renamed; then latest moves, then older ones go. So a kill, a power cut or a full disk at any moment leaves
// the previous checkpoint loadable, and no folder named step-… is ever incomplete.
//
// In bf16 the model's file is bf16 and the optimizer's holds the f32 masters; in f32 the weights are the masters.
// One process writes a run at a time: it holds the run's FolderLock (engine/base/file.h).
#include <optional>

#include "engine/checkpoint/manifest.h"
#include "engine/checkpoint/read_lock.h"
#include "engine/checkpoint/snapshot.h"
#include "engine/checkpoint/verify.h"
#include "engine/checkpoint/weights.h"
#include "engine/settings/checkpoint.h"

namespace gradus {

// Which of a run's regular checkpoints stay (engine/checkpoint/folders.h).
struct Keep {
    int last = int(CheckpointSettings{}.keep);        // so many newest; at least 1
    int64_t every = CheckpointSettings{}.keep_every;  // those of steps divisible by this are never removed; 0: none
};

struct SaveOptions {
    std::string tokenizer_json = {};  // the text of that file; empty: none is written
    std::string end_of_text = {};     // the special token that ends a text; empty: none
    uint64_t shard_limit = default_shard_limit;
};

// Writes the checkpoint of state.step, replacing one of the same step, and returns its folder; called by the rank that has
// the snapshot. Where the state names the targets of a rollback, older checkpoints that are not among them are removed. Error
// when the disk is full or the folder cannot be written: it names the checkpoint that remains, and nothing incomplete does.
fs::path save_checkpoint(const fs::path& run_folder, const Snapshot&, const TrainingState&, const SaveOptions& = {});
inline fs::path save_checkpoint(const fs::path& run_folder, const LanguageModel& model, Optimizer& optimizer,
                                const TrainingState& state, const SaveOptions& options = {}) {
    return save_checkpoint(run_folder, Snapshot::of(model, optimizer), state, options);
}

struct LatestCheckpoint {
    std::optional<fs::path> folder;             // the newest complete one; empty: the run has none
    std::vector<std::string> notes;             // one line for each newer one that is damaged
    std::shared_ptr<const ReadLock> lock = {};  // of the first rank: the folder is not removed while this lives
};

// The newest complete checkpoint, or the newest of those steps. Changes nothing. A caller that goes on to use the files asks for
// their checksums, so that damage to the newest checkpoint costs only the steps since the one before. Ranks that call it
// together share the reading and get the same answer.
LatestCheckpoint latest_checkpoint(const fs::path& run_folder, VerifyLevel = VerifyLevel::sizes, const Comm& all = {},
                                   const std::optional<std::vector<int64_t>>& of_steps = {});

// A folder with a model that a user names, locked; every rank of `all` calls. A checkpoint is verified like those of a run, and
// damage is an Error that names the file.
LockedFolder lock_model(const fs::path& folder, VerifyLevel, const Comm& all = {});

// Whether the checksums of a checkpoint have yet to be looked at.
enum class Verified { no, yes };

// Fills weights and optimizer, whatever the mesh that the checkpoint was made on; every rank calls. Error when a file
// was truncated or edited, or when the checkpoint is of another model or dtype, naming each difference; weights and optimizer
// are then as they were. Whether the settings of the two runs agree is for require_same_run() to say (engine/config.h).
TrainingState load_checkpoint(const fs::path& folder, Parameters&, const ModelConfig&, Optimizer&, const Mesh& = {},
                              Verified = Verified::no);
inline TrainingState load_checkpoint(const fs::path& folder, LanguageModel& model, Optimizer& optimizer,
                                     const Mesh& mesh = {}, Verified verified = Verified::no) {
    return load_checkpoint(folder, model.parameters, model.config(), optimizer, mesh, verified);
}

// Removes what killed processes left half-written in the run. save_checkpoint() does so itself; a run that starts on a
// nearly full disk may want the room before.
void remove_leftovers(const fs::path& run_folder);

}  // namespace gradus
