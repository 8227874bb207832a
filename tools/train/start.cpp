#include "tools/train/start.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "engine/base/log.h"
#include "engine/base/signals.h"
#include "engine/checkpoint/folders.h"
#include "engine/checkpoint/weights.h"
#include "engine/generate/samples.h"
#include "engine/initialise.h"
#include "engine/resolve/same_run.h"
#include "tools/cli.h"
#include "tools/log_gaps.h"
#include "tools/model_folder.h"

namespace gradus {

namespace {

int64_t steps_of(const TrainingState& state, Stage stage) {
    Config config(stage);
    apply_settings(config, parse_settings(state.recipe, "the checkpoint's recipe"));
    return config.train.steps;
}

std::unique_ptr<LanguageModel> empty_model(const Resolved& r, const Mesh& mesh, const Ops& ops) {
    return make_language_model(ops, r.model, r.dtype, r.shape, r.mode, mesh.tp);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The steps of all checkpoints up to `last`, for manifests without rollback targets.
std::vector<int64_t> steps_until(const fs::path& run_folder, int64_t last) {
    std::vector<int64_t> steps;
    for (const StepFolder& f : step_folders(run_folder))
        if (f.step <= last) steps.push_back(f.step);
    std::reverse(steps.begin(), steps.end());
    return steps;
}

// If `latest` is a folder instead of a link (after cp -L), it may be the only copy of a checkpoint.
void require_step_of_latest(const fs::path& run_folder) {
    const fs::path latest = checkpoints_of(run_folder) / "latest";
    std::error_code ignored;
    if (!fs::is_directory(fs::symlink_status(latest, ignored)) || !what_is_missing(latest).empty()) return;
    const int64_t step = read_manifest(latest).state.step;
    const fs::path name = latest.parent_path() / name_of_step(step);
    const std::vector<StepFolder> others = step_folders(run_folder);
    if (fs::exists(name, ignored) || (!others.empty() && others.front().step > step)) return;
    throw Error(fmt::format("'{}' is a folder with the only copy of the checkpoint of step {}", latest.string(), step),
                fmt::format("it should be a link, and a resumed run looks for {}", name.string()),
                fmt::format("mv {} {}", latest.string(), name.string()));
}

// Checked at the start: at the first save, all steps until then would be lost.
void require_checkpoints_folder(const fs::path& run_folder) {
    const fs::path folder = checkpoints_of(run_folder);
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(folder, ignored)) || fs::is_directory(folder, ignored)) return;
    throw Error(fmt::format("'{}' is not a folder", folder.string()), "a run saves its checkpoints there",
                fmt::format("mv {} OTHER", folder.string()));
}

void note_missing_steps(const fs::path& log, int64_t last) {
    const std::string missing = steps_without_a_line(log, last);
    if (missing.empty()) return;
    note(fmt::format("'{}' has no line of {}, which the checkpoint of step {} includes: the curves will have a gap",
                     log.string(), missing, last));
}

void require_stage(const ResumePoint& resume, Stage stage) {
    const Stage begun = stage_of(parse_settings(resume.state.recipe, "the checkpoint's recipe"));
    if (begun == stage) return;
    const std::string folder = resume.folder.parent_path().parent_path().string();
    throw Error(fmt::format("'{}' is a run of gradus {}", folder, of_stage(begun).name),
                fmt::format("gradus {} cannot resume from its checkpoint", of_stage(stage).name),
                fmt::format("start another run: --set run.dir=OTHER; or resume that one: gradus {} {}",
                            of_stage(begun).name, folder));
}

}  // namespace

std::optional<ResumePoint> find_resume_point(const fs::path& run_folder, Stage stage, bool never, const Comm& all) {
    const LatestCheckpoint latest = latest_checkpoint(run_folder, VerifyLevel::all, all);
    const bool first = all.rank == 0;
    std::error_code ignored;
    if (first && never && (latest.folder || !latest.notes.empty() || fs::exists(run_folder / "log.jsonl", ignored)))
        throw Error("'" + run_folder.string() + "' already contains a run", "--resume never requires an empty folder",
                    "--set run.dir=OTHER, or leave out --resume to resume that run");
    for (const std::string& damage : latest.notes) note(damage);
    if (first) require_checkpoints_folder(run_folder);
    if (first) require_step_of_latest(run_folder);
    if (latest.folder) {
        ResumePoint resume = {*latest.folder, read_manifest(*latest.folder).state};
        if (first) require_stage(resume, stage);
        if (first) note_missing_steps(run_folder / "log.jsonl", resume.state.step);
        return resume;
    }
    if (!latest.notes.empty()) throw all_damaged(run_folder, latest);
    return std::nullopt;
}

void finish_save(const ResumePoint& resume) {
    const fs::path run_folder = resume.folder.parent_path().parent_path();
    remove_leftovers(run_folder);
    point_links_at(run_folder, resume.folder, resume.state.best);
    if (resume.state.rollback_targets)
        remove_older(run_folder, with_best(run_folder, *resume.state.rollback_targets, resume.state.best),
                     resume.state.step);
}

Resolved resolve_run(const Config& given, const RunData& data, const std::optional<ResumePoint>& resume, int ranks) {
    Config config = given;
    std::optional<ModelConfig> base;
    if (config.train.minutes > 0) {
        config.train.steps = resume ? steps_of(resume->state, config.stage) : int64_t(largest_count);
        config.written_at["train.steps"] = "set by train.minutes";
    }
    if (resume) {
        base = read_model_config(resume->folder);
    } else if (!config.model.from.empty()) {
        require_language_model(config.model.from);
        base = read_model_config(config.model.from);
        require_same_ids(data, config.model.from);
    }
    const std::string begun = resume ? with_all_bytes(resume->state.compatible, data.facts) : "";
    if (resume) require_same_settings(begun, config, data.facts);
    Resolved r = resolve(config, data.facts, base, ranks);
    if (resume) require_same_run(begun, r, resume->state.step);
    return r;
}

Resolved resolve_timed_run(const Config& given, const RunData& data, int64_t steps, int ranks) {
    Config config = given;
    config.train.steps = steps;
    config.written_at["train.steps"] = "set by train.minutes";
    std::optional<ModelConfig> base;
    if (!config.model.from.empty()) base = read_model_config(config.model.from);
    return resolve(config, data.facts, base, ranks);
}

TrainingRun start_run(const Resolved& r, const DataFacts& data, const std::optional<ResumePoint>& resume,
                      const Mesh& mesh, const Ops& ops) {
    TrainingRun run;
    run.model = empty_model(r, mesh, ops);
    if (!resume && r.config.model.from.empty()) initialise(*run.model, r.trainer.seed);
    run.trainer = std::make_unique<Trainer>(*run.model, r.trainer, mesh);
    if (data.validates) run.validation = std::make_unique<Validation>(*run.model, mesh);
    if (const auto capacity = capacity_of_samples(r, data); capacity.sequences > 0)
        run.samples = std::make_unique<Generator>(*run.model, capacity);
    if (!resume && !r.config.model.from.empty()) {
        const fs::path from = r.config.model.from;
        for (const std::string& text : describe_model(from).notes) note(text);
        for (const std::string& name : load_weights(*run.model, run.trainer->optimizer(), from))
            note(fmt::format("'{}' of {} is not part of this model", name, from.string()));
    }
    if (resume) {
        const TrainingState state =
            load_checkpoint(resume->folder, *run.model, run.trainer->optimizer(), mesh, Verified::yes);
        run.trainer->stability().restore(state.stability);
        run.state.step = state.step;
        run.state.tokens = state.tokens;
        run.state.best = state.best;
        run.state.rollback_targets = state.rollback_targets.value_or(steps_until(r.config.run.dir, state.step));
    }
    return run;
}

std::optional<int64_t> steps_for_minutes(const Resolved& r, const RunBatches& batches, double elapsed, const Mesh& mesh,
                                         const Ops& ops) {
    constexpr int warm_up = 3, fewest = 5, most = 60;
    constexpr int64_t fewest_steps = 10;  // fewer are not worthwhile
    constexpr double at_most_of_the_time = 0.05;
    // The time of a forward pass as a fraction of a step with backward and update.
    constexpr double share_of_forward = 0.35;
    const double budget = r.config.train.minutes * 60 - elapsed;
    const auto start = std::chrono::steady_clock::now();

    const auto model = empty_model(r, mesh, ops);
    initialise(*model, r.trainer.seed);
    Trainer trainer(*model, r.trainer, mesh);
    auto decided = [&](bool here) { return mesh.world.any(mesh.world.rank == 0 && here); };
    const NextBatch next = batches.train();
    std::vector<double> seconds;  // of the warm-up steps until there are others
    ProgressLine progress("timing the first steps");
    for (int i = 0; i < warm_up + most; ++i) {
        if (mesh.world.any(stop_requested())) return std::nullopt;
        const auto before = std::chrono::steady_clock::now();
        trainer.step(i, next);
        if (i == warm_up) seconds.clear();
        seconds.push_back(seconds_since(before));
        progress.update(i + 1, warm_up + most, "steps");
        const double spent = seconds_since(start);
        if (decided(spent > budget || (i >= warm_up + fewest - 1 && spent > at_most_of_the_time * budget))) break;
    }
    std::sort(seconds.begin(), seconds.end());
    double step = mesh.world.rank == 0 ? seconds[seconds.size() / 2] : 0;
    mesh.world.sum(std::span(&step, 1));
    const double validation = step * share_of_forward * double(batches.val_windows()) / double(r.trainer.batch);
    const double per_step = step + (r.config.validation.every > 0 ? validation / double(r.config.validation.every) : 0);
    double spent = mesh.world.rank == 0 ? seconds_since(start) : 0;
    mesh.world.sum(std::span(&spent, 1));
    double left = mesh.world.rank == 0 ? budget - spent - validation : 0;
    mesh.world.sum(std::span(&left, 1));
    const auto steps = int64_t(std::max(0.0, left / per_step));
    const std::string minutes =
        fmt::format("{} {}", r.config.train.minutes, r.config.train.minutes == 1 ? "minute" : "minutes");
    if (steps < fewest_steps) {
        const double needed = elapsed + spent + validation + 2 * double(fewest_steps) * per_step;
        throw Error(fmt::format("{} are too short to train", minutes),
                    fmt::format("train.minutes; a step takes {}, a validation {}, and {} were spent on preparing and "
                                "timing",
                                text_of_seconds(step), text_of_seconds(validation), text_of_seconds(elapsed + spent)),
                    fmt::format("--set train.minutes={:.1f}, or a smaller train.batch or train.context",
                                std::ceil(needed / 6) / 10));
    }
    tell(fmt::format("minutes  {} steps fit into {}: {} per step, {} per validation\n", text_of_whole(steps), minutes,
                     text_of_seconds(step), text_of_seconds(validation)));
    return steps;
}

}  // namespace gradus
