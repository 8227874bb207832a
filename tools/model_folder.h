#pragma once
// The folder of a trained model that a user names, for every command that takes one.
#include <string>

#include "engine/base/error.h"
#include "engine/checkpoint/checkpoint.h"

namespace gradus {

// Of a run in which no checkpoint is valid, with the damage that latest_checkpoint() found. The fix sets them aside; a command
// that does not train by itself says what comes then.
Error all_damaged(const fs::path& run_folder, const LatestCheckpoint& searched, const std::string& and_then = "");

// The folder with config.json that a user means: a run (its newest good checkpoint), a checkpoint, or a model of Hugging
// Face. It is held until the result goes. Damaged newer checkpoints are named in notes; a damaged checkpoint that is named
// itself is an Error. Ranks of `all` call together. Error says what was looked for.
HeldFolder model_folder(const std::string& run_or_folder, Judge, const Comm& all = {});

// read(folder) of that folder; once more with what is the newest then, where a checkpoint was removed or replaced while it
// was read (engine/checkpoint/hold.h).
template <class Read>
auto read_model(const std::string& run_or_folder, Judge judge, Read&& read) {
    for (int left = 20;; --left) {
        const HeldFolder folder = model_folder(run_or_folder, judge);
        try {
            return read(folder);
        } catch (const Error&) {
            if (folder.is_there() || left == 0) throw;
        }
    }
}

}  // namespace gradus
