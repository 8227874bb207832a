#pragma once
// Finds the folder of a trained model, for every command that takes one.
#include <string>

#include "engine/base/error.h"
#include "engine/checkpoint/checkpoint.h"

namespace gradus {

// The Error for a run without a valid checkpoint, with the damage that latest_checkpoint() found. The fix moves the
// checkpoints away; `and_then` is what a command that does not train adds to it.
Error all_damaged(const fs::path& run_folder, const LatestCheckpoint& searched, const std::string& and_then = "");

// The folder with config.json for a run (its newest valid checkpoint), a checkpoint, or a Hugging Face model. It is
// locked while the result exists. Notes name damaged newer checkpoints; naming a damaged checkpoint itself is an Error.
// All ranks of `all` must call it. The Error says what was expected.
LockedFolder model_folder(const std::string& run_or_folder, VerifyLevel, const Comm& all = {});

// Error if the folder's model has a head of one number instead of a language head: it cannot write text.
void require_language_model(const fs::path& folder);
// Error if it has a language head; it says how to get a reward model.
void require_reward_model(const fs::path& folder);

// Calls read(folder); if the checkpoint was removed or replaced while it was read, calls it again with the newest one
// (engine/checkpoint/read_lock.h).
template <class Read>
auto read_model(const std::string& run_or_folder, VerifyLevel level, Read&& read) {
    for (int left = 20;; --left) {
        const LockedFolder folder = model_folder(run_or_folder, level);
        try {
            return read(folder);
        } catch (const Error&) {
            if (folder.still_exists() || left == 0) throw;
        }
    }
}

}  // namespace gradus
