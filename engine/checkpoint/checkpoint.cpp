#include "engine/checkpoint/checkpoint.h"

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/checkpoint/folders.h"
#include "engine/checkpoint/optimizer_state.h"

namespace gradus {

namespace {

// Without this file transformers takes the tokenizer that the model's family usually has.
std::string tokenizer_config(const ModelConfig& m, std::string_view end_of_text) {
    nlohmann::ordered_json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                                     {"model_max_length", m.context},
                                     {"clean_up_tokenization_spaces", false}};
    if (!end_of_text.empty()) config["bos_token"] = config["eos_token"] = end_of_text;
    return config.dump(2) + "\n";
}

void write_all(const fs::path& folder, const Snapshot& s, const TrainingState& state, const SaveOptions& options) {
    std::error_code problem;
    if (!fs::create_directory(folder / "gradus", problem))
        throw Error("cannot make the folder '" + (folder / "gradus").string() + "'", problem.message(),
                    "free some space on that disk");
    Manifest manifest = {state, name_of(s.dtype), save_weights(s, folder, s.dtype, options.shard_limit)};
    manifest.files.push_back(save_optimizer(folder, s));
    if (!options.tokenizer_json.empty()) {
        manifest.files.push_back(write_checksummed(folder, "tokenizer.json", options.tokenizer_json));
        manifest.files.push_back(
            write_checksummed(folder, "tokenizer_config.json", tokenizer_config(s.model, options.end_of_text)));
    }
    write_manifest(folder, manifest);
}

void refuse_differences(const fs::path& folder, const std::vector<std::string>& found) {
    if (found.empty()) return;
    std::string list;
    for (const std::string& d : found) list += (list.empty() ? "" : "; ") + d;
    throw Error("the checkpoint '" + folder.string() + "' is of another run", "it has " + list,
                "resume with the recipe of that run, or start a run in another folder");
}

}  // namespace

fs::path save_checkpoint(const fs::path& run_folder, const Snapshot& snapshot, const TrainingState& state,
                         const SaveOptions& options) {
    remove_leftovers(run_folder);
    fs::path folder;
    try {
        UnpublishedFolder fresh(run_folder, state.step);
        write_all(fresh.path(), snapshot, state, options);
        folder = fresh.publish();
    } catch (const Error& e) {  // the same Error, with what its reader needs to know next
        const LatestCheckpoint left = latest_checkpoint(run_folder);
        throw Error(e.what(),
                    e.cause + "; the checkpoint of step " + std::to_string(state.step) + " was not made, and " +
                        (left.folder ? "'" + left.folder->string() + "' is unharmed" : "the run has none yet"),
                    e.fix);
    }
    point_latest_at(folder);
    remove_older(run_folder, options.keep, folder);
    return folder;
}

LatestCheckpoint latest_checkpoint(const fs::path& run_folder, Judge judge) {
    LatestCheckpoint found;
    for (const StepFolder& f : step_folders(run_folder)) {
        std::string problem = what_is_missing(f.path);
        if (problem.empty() && judge == Judge::checksums) problem = what_is_damaged(f.path);
        if (problem.empty()) {
            found.folder = f.path;
            break;
        }
        found.notes.push_back("the checkpoint '" + f.path.string() + "' is damaged and not used: " + problem);
    }
    return found;
}

TrainingState load_checkpoint(const fs::path& folder, Model& model, Optimizer& optimizer, const Mesh& mesh) {
    Manifest manifest = read_manifest(folder);
    if (mesh.world.rank == 0) verify_files(folder, manifest);
    mesh.world.barrier();  // nobody takes anything from a file that may be damaged

    std::vector<std::string> found = differences(read_model_config(folder), model.config());
    if (manifest.dtype != name_of(model.run.dtype))
        found.push_back("dtype " + manifest.dtype + " instead of " + name_of(model.run.dtype));
    refuse_differences(folder, found);

    // What is wrong with a file that passed so far is found before anything is overwritten.
    check_optimizer(folder, model, optimizer);
    load_weights(model, folder);
    load_optimizer(folder, model, optimizer);
    return std::move(manifest.state);
}

}  // namespace gradus
