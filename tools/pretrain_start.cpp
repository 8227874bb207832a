#include "tools/pretrain_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "engine/base/log.h"
#include "engine/base/signals.h"
#include "engine/checkpoint/weights.h"
#include "engine/initialise.h"
#include "tools/cli.h"

namespace gradus {

namespace {

int64_t steps_of(const TrainingState& state) {
    Config config;
    apply_settings(config, parse_settings(state.recipe, "the checkpoint's recipe"));
    return config.steps;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

std::optional<ResumePoint> find_resume_point(const fs::path& run_folder, bool never) {
    const LatestCheckpoint latest = latest_checkpoint(run_folder);
    std::error_code ignored;
    if (never && (latest.folder || !latest.notes.empty() || fs::exists(run_folder / "log.jsonl", ignored)))
        throw Error("'" + run_folder.string() + "' holds a run already",
                    "--resume never starts in an empty folder alone",
                    "--set run.dir=OTHER, or leave out --resume to go on with that run");
    for (const std::string& note : latest.notes) fmt::print(stderr, "note: {}\n", note);
    if (latest.folder) return ResumePoint{*latest.folder, read_manifest(*latest.folder).state};
    if (!latest.notes.empty())
        throw Error("no checkpoint of '" + run_folder.string() + "' is whole", latest.notes.front(),
                    "--set run.dir=OTHER, or move " + (run_folder / "checkpoints").string() + " away to start afresh");
    return std::nullopt;
}

Resolved resolve_run(Config config, const DataFacts& facts, const std::optional<ResumePoint>& resume) {
    std::optional<ModelConfig> base;
    if (resume) {
        base = read_model_config(resume->folder);
        if (config.minutes > 0) config.steps = steps_of(resume->state);  // set by the clock when the run began
    } else if (!config.model_from.empty()) {
        base = read_model_config(model_folder(config.model_from));
    }
    Resolved r = resolve(config, facts, base);
    if (resume) require_same_run(resume->state.compatible, r);
    return r;
}

TrainingRun start_run(const Resolved& r, const std::optional<ResumePoint>& resume) {
    TrainingRun run;
    run.model = make_model(r.cuda ? cuda_ops() : cpu_ops(), r.model, r.dtype, r.purpose);
    if (!resume && r.config.model_from.empty()) initialise(*run.model, r.trainer.seed);
    if (!resume && !r.config.model_from.empty()) {
        const fs::path from = model_folder(r.config.model_from);
        for (const std::string& name : load_weights(*run.model, from))
            fmt::print(stderr, "note: '{}' of {} is no part of this model\n", name, from.string());
    }
    run.trainer = std::make_unique<Trainer>(*run.model, r.trainer);
    if (resume) {
        const TrainingState state = load_checkpoint(resume->folder, *run.model, run.trainer->optimizer());
        run.step = state.step;
        run.tokens = state.tokens;
    }
    return run;
}

std::optional<int64_t> steps_for_minutes(const Resolved& r, const PretrainBatches& batches, double elapsed) {
    constexpr int warm_up = 3, fewest = 5, most = 60;
    constexpr double at_most_of_the_time = 0.05;
    // What a forward pass alone costs beside a step with backward and update.
    constexpr double share_of_forward = 0.35;
    const double budget = r.config.minutes * 60 - elapsed;
    const auto start = std::chrono::steady_clock::now();

    TrainingRun run = start_run(r, std::nullopt);
    const NextBatch next = batches.train();
    std::vector<double> seconds;
    ProgressLine progress("timing the first steps");
    for (int i = 0; i < warm_up + most; ++i) {
        if (stop_requested()) return std::nullopt;
        const auto before = std::chrono::steady_clock::now();
        run.trainer->step(i, next);
        if (i >= warm_up) seconds.push_back(seconds_since(before));
        progress.update(i + 1, warm_up + most, "steps");
        if (int(seconds.size()) >= fewest && seconds_since(start) > at_most_of_the_time * budget) break;
    }
    std::sort(seconds.begin(), seconds.end());
    const double step = seconds[seconds.size() / 2];
    const double validation = step * share_of_forward * double(batches.val_windows()) / double(r.trainer.batch);
    const double per_step = step + (r.config.validation_every > 0 ? validation / double(r.config.validation_every) : 0);
    const double left = budget - seconds_since(start) - validation;
    const int64_t steps = std::max<int64_t>(1, int64_t(left / per_step));
    fmt::print("minutes  {} steps fit into {} minutes: {} a step, {} a validation\n", text_of_whole(steps),
               r.config.minutes, text_of_seconds(step), text_of_seconds(validation));
    return steps;
}

}  // namespace gradus
