#include "tools/model_folder.h"

#include <fmt/format.h>

#include "engine/base/log.h"
#include "engine/checkpoint/weights.h"
#include "engine/config.h"

namespace gradus {

Error all_damaged(const fs::path& run_folder, const LatestCheckpoint& searched, const std::string& and_then) {
    const std::string checkpoints = (run_folder / "checkpoints").string();
    return Error("all checkpoints of '" + run_folder.string() +
                     "' are damaged, and without them the run would start from the beginning",
                 searched.notes.front(), "mv " + checkpoints + " " + checkpoints + ".damaged" + and_then);
}

LockedFolder model_folder(const std::string& run_or_folder, VerifyLevel level, const Comm& all) {
    const fs::path folder = run_or_folder;
    std::error_code ignored;
    if (fs::exists(folder / "config.json", ignored)) return lock_model(folder, level, all);
    if (!fs::is_directory(folder, ignored))
        throw Error("there is no model '" + run_or_folder + "'", "no such folder",
                    "give the folder of a run, of a checkpoint, or of a Hugging Face model");
    const LatestCheckpoint latest = latest_checkpoint(folder, level, all);
    for (const std::string& damage : latest.notes) note(damage);
    if (latest.folder) return {*latest.folder, latest.lock};
    const fs::path recipe = folder / "recipe.toml";
    const auto command = [&] {
        return fmt::format("gradus {} {}", of_stage(stage_of(read_settings(recipe))).name, folder.string());
    };
    if (!latest.notes.empty()) throw all_damaged(folder, latest, fs::exists(recipe, ignored) ? " && " + command() : "");
    if (fs::exists(recipe, ignored))
        throw Error("the run '" + run_or_folder + "' has no checkpoint",
                    "there is no complete checkpoint in " + (folder / "checkpoints").string(),
                    "let it train to its first one: " + command());
    throw Error("there is no model in '" + run_or_folder + "'", "it has neither config.json nor checkpoints/",
                "give the folder of a run, of a checkpoint, or of a Hugging Face model");
}

void require_language_model(const fs::path& folder) {
    if (!has_scalar_head(folder)) return;
    throw Error(
        "'" + folder.string() + "' is a reward or value model, not a language model",
        "it has the tensor 'score.weight', a head of one number for a text, and no head for tokens",
        "give the model that it was trained from; its scores of answers: gradus score " + folder.string() + " FILE");
}

void require_reward_model(const fs::path& folder) {
    if (has_scalar_head(folder)) return;
    throw Error("'" + folder.string() + "' is not a reward model",
                "it has no tensor 'score.weight', so its head is that of a language model",
                "gradus reward --model.from=" + folder.string() + " --reward.data=RANKINGS --run.dir=OTHER");
}

}  // namespace gradus
