#include "engine/checkpoint/checkpoint.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/checkpoint/folders.h"
#include "engine/checkpoint/optimizer_state.h"

namespace gradus {

// Without this file transformers uses the usual tokenizer of the model's family.
std::string tokenizer_config_of(const ModelConfig& m, std::string_view end_of_text) {
    nlohmann::ordered_json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                                     {"model_max_length", m.context},
                                     {"clean_up_tokenization_spaces", false}};
    if (!end_of_text.empty()) config["bos_token"] = config["eos_token"] = end_of_text;
    return config.dump(2) + "\n";
}

namespace {

std::string inside(const std::string& folder, const std::string& name) {
    return folder.empty() ? name : folder + "/" + name;
}

// The weights and the optimizer of one model.
void write_model(const fs::path& checkpoint, const std::string& within, const Snapshot& s, const SaveOptions& options,
                 Manifest& manifest) {
    const fs::path folder = within.empty() ? checkpoint : checkpoint / within;
    make_folder(folder / "gradus");
    std::vector<StoredFile> files = save_weights(s, folder, s.dtype, options.shard_limit, options.more_ends);
    files.push_back(save_optimizer(folder, s));
    for (StoredFile& f : files) {
        f.name = inside(within, f.name);
        manifest.files.push_back(std::move(f));
    }
}

// The tokenizer and the other files that a model is used with.
void write_texts(const fs::path& checkpoint, const std::string& within, const ModelConfig& model,
                 const SaveOptions& options, Manifest& manifest) {
    const auto write = [&](const std::string& name, const std::string& text) {
        manifest.files.push_back(write_checksummed(checkpoint, inside(within, name), text));
    };
    if (!options.tokenizer_json.empty()) {
        write("tokenizer.json", options.tokenizer_json);
        write("tokenizer_config.json", options.tokenizer_config.empty()
                                           ? tokenizer_config_of(model, options.end_of_text)
                                           : options.tokenizer_config);
    }
    for (const auto& [name, text] : options.more_files) write(name, text);
}

void write_averaged(const fs::path& checkpoint, const Snapshot& s, const SaveOptions& options, Manifest& manifest) {
    const Snapshot averaged = s.averaged();
    if (averaged.weights.empty()) return;
    make_folder(checkpoint / averaged_folder / "gradus");
    for (StoredFile& f :
         save_weights(averaged, checkpoint / averaged_folder, s.dtype, options.shard_limit, options.more_ends)) {
        f.name = inside(averaged_folder, f.name);
        manifest.files.push_back(std::move(f));
    }
    write_texts(checkpoint, averaged_folder, s.model, options, manifest);
}

void write_all(const fs::path& folder, const Snapshot& s, const TrainingState& state, const SaveOptions& options) {
    Manifest manifest = {state, name_of(s.dtype), {}};
    write_model(folder, "", s, options, manifest);
    write_averaged(folder, s, options, manifest);
    for (const auto& [name, companion] : s.companions) write_model(folder, name, companion, options, manifest);
    write_texts(folder, "", s.model, options, manifest);
    write_manifest(folder, manifest);
}

void refuse_differences(const fs::path& folder, const std::vector<std::string>& found) {
    if (found.empty()) return;
    std::string list;
    for (const std::string& d : found) list += (list.empty() ? "" : "; ") + d;
    throw Error("the checkpoint '" + folder.string() + "' belongs to another run", "it has " + list,
                "resume with the recipe of that run, or start a run in another folder");
}

}  // namespace

fs::path save_checkpoint(const fs::path& run_folder, const Snapshot& snapshot, const TrainingState& state,
                         const SaveOptions& options) {
    remove_leftovers(run_folder);
    fs::path folder;
    try {
        NewCheckpoint fresh(run_folder, state.step);
        write_all(fresh.path(), snapshot, state, options);
        folder = fresh.publish();
    } catch (const Error& e) {  // the same Error, with the state of the run's checkpoints
        const LatestCheckpoint left = latest_checkpoint(run_folder);
        throw Error(e.what(),
                    e.cause + "; the checkpoint of step " + std::to_string(state.step) + " was not saved, and " +
                        (left.folder ? "'" + left.folder->string() + "' is intact" : "the run has none yet"),
                    e.fix);
    }
    point_links_at(run_folder, folder, state.best);
    if (state.rollback_targets)
        remove_older(run_folder, with_best(run_folder, *state.rollback_targets, state.best), state.step);
    return folder;
}

namespace {

using Steps = std::optional<std::vector<int64_t>>;  // nothing: all of them

// The part of the search that only rank 0 does, between the collective checks.
class Search {
public:
    Search(const fs::path& run_folder, const Steps& of_steps) {
        for (StepFolder& f : step_folders(run_folder))
            if (!of_steps || std::count(of_steps->begin(), of_steps->end(), f.step) > 0)
                folders_.push_back(std::move(f.path));
    }

    // Locks and returns the next checkpoint whose files have the right sizes; null: there is none.
    const fs::path* next(LatestCheckpoint& found) {
        while (at_ < folders_.size()) {
            const fs::path& folder = folders_[at_];
            found.lock = ReadLock::take(folder);
            const std::string problem = found.lock ? what_is_missing(folder) : "";
            if (!found.lock || !found.lock->still_exists()) {
                changed = true;
                return nullptr;
            }
            if (problem.empty()) return &folder;
            refuse(found, problem);
        }
        found.lock.reset();
        return nullptr;
    }
    void refuse(LatestCheckpoint& found, const std::string& problem) {
        found.notes.push_back("the checkpoint '" + folders_[at_++].string() +
                              "' is damaged and is skipped: " + problem);
    }

    bool changed = false;  // a checkpoint was removed or replaced in the meantime

private:
    std::vector<fs::path> folders_;
    size_t at_ = 0;
};

// Empty if the search has to start again.
std::optional<LatestCheckpoint> search(const fs::path& run_folder, VerifyLevel level, const Comm& all,
                                       const Steps& of_steps) {
    const bool first = all.rank == 0;
    std::optional<Search> at;
    if (first) at.emplace(run_folder, of_steps);
    for (LatestCheckpoint found;;) {
        const fs::path* whole = first ? at->next(found) : nullptr;
        const std::string said = first ? (at->changed ? "changed" : whole ? "/" + whole->string() : "") : "";
        const std::string answer = all.gather(said)[0];
        if (answer == "changed") return std::nullopt;
        if (answer.empty()) return found;
        const fs::path folder = answer.substr(1);
        Damage damage;
        if (level != VerifyLevel::sizes) damage = find_damage(folder, read_manifest(folder), level, all);
        if (!damage) {
            found.folder = folder;
            return found;
        }
        if (first) at->refuse(found, damage.file + ": " + damage.cause);
    }
}

// The folder that a link such as `latest` points to now.
fs::path behind_link(fs::path folder) {
    if (!folder.has_filename()) folder = folder.parent_path();
    std::error_code problem;
    const fs::path target = fs::read_symlink(folder, problem);
    return problem ? folder : folder.parent_path() / target;
}

void require_undamaged(const fs::path& folder, VerifyLevel level, const Comm& all) {
    const Damage damage = find_damage(folder, read_manifest(folder), level, all);
    if (damage)
        throw Error(
            "'" + (folder / damage.file).string() + "' has changed since it was saved", damage.cause,
            "give the folder of its run, whose newest valid checkpoint is then used; or, if the change is intended, "
            "a copy of '" +
                folder.string() + "' without its folder gradus");
}

constexpr int most_searches = 100;  // each ended at a checkpoint that was being removed

}  // namespace

LatestCheckpoint latest_checkpoint(const fs::path& run_folder, VerifyLevel level, const Comm& all,
                                   const Steps& of_steps) {
    for (int i = 0; i < most_searches; ++i)
        if (std::optional<LatestCheckpoint> found = search(run_folder, level, all, of_steps)) return std::move(*found);
    throw Error("the checkpoints of '" + run_folder.string() + "' change faster than they can be read",
                "each one was removed before it could be read",
                "keep more of them: --set checkpoint.keep=2 for that run");
}

LockedFolder lock_model(const fs::path& named, VerifyLevel level, const Comm& all) {
    LockedFolder held = {behind_link(named)};
    std::error_code ignored;
    if (all.rank == 0) {
        for (int i = 0; i < most_searches && !held.lock; ++i) {
            held.path = behind_link(named);
            held.lock = ReadLock::take(held.path);
        }
        if (!held.lock)
            throw Error("'" + named.string() + "' no longer exists", "its run has removed it",
                        "give the folder of the run, whose newest checkpoint is then used");
    }
    held.path = all.gather(held.path.string())[0];
    if (level != VerifyLevel::sizes && fs::exists(held.path / manifest_name, ignored))
        require_undamaged(held.path, level, all);
    return held;
}

TrainingState load_checkpoint(const fs::path& folder, Parameters& parameters, const ModelConfig& model,
                              Optimizer& optimizer, const Mesh& mesh, Verified verified,
                              const std::vector<Companion>& companions) {
    Manifest manifest = read_manifest(folder);
    // Verify before anything is read from a file.
    if (verified == Verified::no) verify_files(folder, manifest, mesh.world);

    std::vector<std::string> found = differences(read_model_config(folder), model);
    if (manifest.dtype != name_of(parameters.runtime.dtype))
        found.push_back("dtype " + manifest.dtype + " instead of " + name_of(parameters.runtime.dtype));
    refuse_differences(folder, found);

    // Check all files before anything is overwritten.
    check_optimizer(folder, parameters, optimizer);
    load_weights(parameters, model, folder);
    load_optimizer(folder, parameters, optimizer);
    for (const Companion& c : companions) {
        load_weights(*c.parameters, *c.model, folder / c.folder);
        load_optimizer(folder / c.folder, *c.parameters, *c.optimizer);
    }
    mesh.world.barrier();  // ranks that finish early wait here: the others' progress keeps them from timing out
    return std::move(manifest.state);
}

}  // namespace gradus
