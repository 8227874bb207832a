#include "tools/pretrain/loop.h"

#include <fmt/format.h>

#include <utility>

#include "engine/base/signals.h"
#include "engine/checkpoint/folders.h"
#include "tools/open_model.h"

namespace gradus {

namespace {

bool is_due(int64_t step, int64_t every) { return every > 0 && step % every == 0; }

}  // namespace

PretrainLoop::PretrainLoop(const Resolved& r, const PretrainData& data, const PretrainBatches& batches,
                           std::vector<Prompt> samples, TrainingRun run)
    : resolved_(r),
      data_(data),
      batches_(batches),
      run_(std::move(run)),
      mesh_(run_.trainer->mesh()),
      folder_(r.config.run_dir),
      steps_(r.config.steps),
      parameters_(parameter_count(r.model)),
      saver_(folder_, {.tokenizer_json = data_.tokenizer_text,
                       .end_of_text = data_.tokenizer.end_of_text() ? std::string(end_of_text_token) : ""}),
      sampler_(r, data, std::move(samples), run_.samples.get(), run_.step, mesh_.world),
      bytes_of_ids_(bytes_of_ids(data.tokenizer, r.model.V)),
      saved_step_(run_.step),
      first_step_(run_.step) {
    open_logs();
}

// To go on behind the step that the run is at.
void PretrainLoop::open_logs() {
    if (mesh_.world.rank > 0) return;
    if (log_) log_->forget_after(run_.step);
    else log_.emplace(folder_ / "log.jsonl", run_.step);
    events_.reset();
    events_.emplace(folder_, run_.step);
}

void PretrainLoop::write(const nlohmann::ordered_json& record) {
    if (!log_) return;
    log_->write(record);
    for (const auto& [key, value] : record.items())
        if (value.is_number() && key != "step")
            events_->scalar(key.starts_with("val_") ? "val/" + key.substr(4) : "train/" + key, value, record["step"]);
    events_->flush();
}

StepResult PretrainLoop::train_step(double& seconds) {
    const auto before = Clock::now();
    const StepResult result = run_.trainer->step(run_.step, batches_.train());
    seconds = std::chrono::duration<double>(Clock::now() - before).count();
    ++run_.step;
    run_.tokens += result.tokens;
    return result;
}

// The newest whole one below that step, by checksums; the ranks share the reading.
std::string PretrainLoop::rollback_target(int64_t limit) {
    tell_saved(saver_.wait());
    std::vector<int64_t> steps = run_.rollback_targets;
    std::erase_if(steps, [&](int64_t step) { return step >= limit; });
    const LatestCheckpoint latest = latest_checkpoint(folder_, Judge::checksums, mesh_.world, steps);
    for (const std::string& damage : latest.notes) note(damage);
    return latest.folder ? latest.folder->string() : "";
}

// On all ranks.
void PretrainLoop::roll_back(Verdict verdict) {
    has_complete_state_ = false;
    Stability& stability = run_.trainer->stability();
    const int64_t limit = stability.rollback_limit(run_.step);
    const bool again = run_.step <= stability.state().diverged_at;
    const std::string from = rollback_target(limit);
    if (from.empty())
        throw Error(fmt::format("training diverged at step {}", run_.step),
                    fmt::format("{} for {} steps in a row, at {:.2g} times the recipe's learning rate, and {}",
                                name_of(verdict), stability.state().skipped_in_a_row, stability.state().rate,
                                again ? fmt::format("no checkpoint before that of step {} is kept", limit)
                                      : "there is no checkpoint to roll back to"),
                    fmt::format("--set optimizer.lr={:.1e} --set run.dir=OTHER; a longer optimizer.warmup, or "
                                "train.dtype=f32, may help too",
                                resolved_.config.lr / 3));
    const int64_t undone = run_.step;
    const TrainingState state = load_checkpoint(from, *run_.model, run_.trainer->optimizer(), mesh_, Verified::yes);
    // A run that is killed now must not go on from a checkpoint whose steps are no longer in its log.
    if (mesh_.world.rank == 0) remove_later(folder_, from);
    stability.rolled_back(state.stability, undone, state.step);
    run_.step = saved_step_ = state.step;
    run_.tokens = state.tokens;
    std::erase_if(run_.rollback_targets, [&](int64_t step) { return step > state.step; });
    has_complete_state_ = true;
    note(
        fmt::format("rolled back from step {} to the checkpoint of step {}; the batches in between are skipped, and "
                    "the learning rate is {:.3g} times the recipe's",
                    undone, state.step, stability.state().rate));
    rolled_back_from_ = undone;
    first_step_ = run_.step;
    start_ = Clock::now();
    sampler_.forget_after(run_.step);
    open_logs();
}

void PretrainLoop::validate(nlohmann::ordered_json& record) {
    const auto before = Clock::now();
    const int64_t windows = batches_.val_windows();
    ProgressLine progress("validating");
    const NextBatch val = batches_.val();
    const NextBatch next = [&](int64_t first, HostBatch& batch) {
        progress.update(double(first), double(windows), "windows");
        val(first, batch);
    };
    const ValidationResult v =
        run_.validation->run(windows, next, bytes_of_ids_, [&] { return any(mesh_.world, stop_requested()); });
    if (!v.whole) return;
    record["val_loss"] = v.loss();
    if (v.bytes > 0) record["val_bits_per_byte"] = v.bits_per_byte();
    progress.clear();
    tell(fmt::format("valid {:>{}}/{}  loss {:7.4f}  {:.4f} bits per byte, {} tokens in {}\n", run_.step,
                     std::to_string(steps_).size(), steps_, v.loss(), v.bits_per_byte(), text_of_whole(v.targets),
                     text_of_seconds(std::chrono::duration<double>(Clock::now() - before).count())));
}

void PretrainLoop::tell_saved(const std::optional<fs::path>& written) {
    if (written) tell(fmt::format("saved {}\n", written->string()));
}

void PretrainLoop::sync_logs() {
    log_->sync();
    events_->sync();
    sampler_.sync();
}

TrainingState PretrainLoop::state() const {
    return {.step = run_.step,
            .tokens = run_.tokens,
            .seed = resolved_.trainer.seed,
            .recipe = recipe_text(resolved_.config),
            .compatible = resolved_.identity,
            .stability = run_.trainer->stability().state(),
            .rollback_targets = run_.rollback_targets};
}

void PretrainLoop::save(bool regular) {
    if (saved_step_ == run_.step) return;
    const Config& c = resolved_.config;
    const bool here = mesh_.world.rank == 0;
    if (here) {
        tell_saved(saver_.wait());  // one at a time
        if (regular)
            run_.rollback_targets =
                steps_to_keep(folder_, run_.rollback_targets, run_.step, {int(c.keep), c.keep_every});
        sync_logs();
    }
    if (!c.background && mesh_.world.size == 1 && c.device == "cpu") {
        attempted_step_ = run_.step;
        tell_saved(
            save_checkpoint(folder_, Snapshot::of(*run_.model, run_.trainer->optimizer()), state(), saver_.options()));
    } else {
        Snapshot copy = Snapshot::copy(*run_.model, run_.trainer->optimizer(), mesh_);
        attempted_step_ = run_.step;
        if (here) {
            saver_.begin(std::move(copy), state());
            if (!c.background) tell_saved(saver_.wait());
        }
    }
    saved_step_ = run_.step;
}

// The steps since the last checkpoint, which an error would cost. Ranks that share the state out are in the middle of other
// calls then, and none of them has all of it.
void PretrainLoop::save_before_leaving() {
    Optimizer& optimizer = run_.trainer->optimizer();
    if (mesh_.world.rank > 0 || mesh_.tp.size > 1 || optimizer.sharded()) return;
    try {
        tell_saved(saver_.wait());
    } catch (const std::exception&) {}  // of an older step than the one that is saved now
    if (!has_complete_state_ || !run_.trainer->is_complete() || run_.step == 0 || run_.step == saved_step_ ||
        run_.step == attempted_step_)
        return;
    try {
        sync_logs();
        tell_saved(save_checkpoint(folder_, Snapshot::of(*run_.model, optimizer), state(), saver_.options()));
    } catch (const std::exception& e) {  // what ends the run may be that very trouble
        if (!saver_.has_failed()) note(fmt::format("step {} could not be saved: {}", run_.step, e.what()));
    }
}

void PretrainLoop::show(const StepResult& s, double seconds, bool always) {
    using namespace std::chrono_literals;
    const auto now = Clock::now();
    // More would only flicker on a terminal, and fill a file with what log.jsonl has anyway.
    if (!always && now - shown_ < (is_terminal(stdout) ? 250ms : 10s)) return;
    shown_ = now;
    const double each = std::chrono::duration<double>(now - start_).count() / double(run_.step - first_step_);
    const double rate = double(s.tokens) / seconds;
    tell(text_of(StepLine{.step = run_.step,
                          .steps = steps_,
                          .loss = s.loss,
                          .grad_norm = s.grad_norm,
                          .lr = s.lr,
                          .seconds = seconds,
                          .tokens_per_second = rate,
                          .flops_per_second = 6 * double(parameters_) * rate,
                          .seconds_left = each * double(steps_ - run_.step)}) +
         "\n");
}

bool PretrainLoop::run() {
    try {
        train();
    } catch (...) {
        save_before_leaving();
        throw;
    }
    return run_.step == steps_;
}

void PretrainLoop::train() {
    const Config& c = resolved_.config;
    while (run_.step < steps_ && !any(mesh_.world, stop_requested())) {
        double seconds = 0;
        const StepResult s = train_step(seconds);
        const bool last = run_.step == steps_, taken = s.verdict == Verdict::take;
        const bool validates = batches_.val_windows() > 0 && (last || is_due(run_.step, c.validation_every));
        show(s, seconds, last || validates || !taken || run_.step == first_step_ + 1);
        if (!taken) note(fmt::format("step {} is skipped: {}", run_.step, name_of(s.verdict)));
        if (run_.trainer->stability().must_roll_back()) {
            roll_back(s.verdict);
            continue;
        }

        nlohmann::ordered_json record = {{"step", run_.step}, {"loss", s.loss},      {"grad_norm", s.grad_norm},
                                         {"lr", s.lr},        {"ms", seconds * 1e3}, {"tokens", s.tokens}};
        if (!taken) record["skipped"] = name_of(s.verdict);
        if (rolled_back_from_) record["rolled_back_from"] = *std::exchange(rolled_back_from_, std::nullopt);
        try {
            if (validates) validate(record);
        } catch (...) {  // the step itself is done
            write(record);
            throw;
        }
        write(record);
        if (is_due(run_.step, c.sample_every) || (last && c.sample_every > 0)) sampler_.sample(run_.step);
        // In the middle of skipped steps there is nothing that a run should roll back to.
        const bool regular = taken && is_due(run_.step, c.checkpoint_every);
        if (regular || last) save(regular);
        tell_saved(saver_.finished());
    }
    if (run_.step > 0) save(false);
    tell_saved(saver_.wait());
}

}  // namespace gradus
