#include "tools/pretrain_loop.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/base/signals.h"
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
      folder_(r.config.run_dir),
      steps_(r.config.steps),
      parameters_(parameter_count(r.model)),
      log_(folder_ / "log.jsonl", run_.step),
      sampler_(r, data, std::move(samples), run_.step),
      bytes_of_ids_(bytes_of_ids(data.tokenizer, r.model.V)),
      saved_step_(run_.step),
      first_step_(run_.step) {}

StepResult PretrainLoop::train_step(double& seconds) {
    const auto before = Clock::now();
    const StepResult result = run_.trainer->step(run_.step, batches_.train());
    seconds = std::chrono::duration<double>(Clock::now() - before).count();
    ++run_.step;
    run_.tokens += result.tokens;
    if (std::isfinite(result.loss) && std::isfinite(result.grad_norm)) return result;
    // The update has spoilt the weights: they are not saved, and the last checkpoint stays as it is.
    throw Error(fmt::format("the loss of step {} is not a number", run_.step),
                fmt::format("loss {}, norm of the gradient {}, learning rate {:.2e}; {}", result.loss, result.grad_norm,
                            result.lr,
                            saved_step_ > 0 ? fmt::format("the checkpoint of step {} is kept", saved_step_)
                                            : "there is no checkpoint yet"),
                fmt::format("--set optimizer.lr={:.1e} --set run.dir=OTHER; a longer optimizer.warmup, or "
                            "train.dtype=f32, may help too",
                            resolved_.config.lr / 3));
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
    const ValidationResult v = validate_loss(*run_.model, windows, next, bytes_of_ids_, stop_requested);
    if (!v.whole) return;
    record["val_loss"] = v.loss();
    if (v.bytes > 0) record["val_bits_per_byte"] = v.bits_per_byte();
    progress.clear();
    tell(fmt::format("valid {:>{}}/{}  loss {:7.4f}  {:.4f} bits per byte, {} tokens in {}\n", run_.step,
                     std::to_string(steps_).size(), steps_, v.loss(), v.bits_per_byte(), text_of_whole(v.targets),
                     text_of_seconds(std::chrono::duration<double>(Clock::now() - before).count())));
}

void PretrainLoop::save() {
    if (saved_step_ == run_.step) return;
    log_.sync();
    sampler_.sync();
    const Config& c = resolved_.config;
    const TrainingState state = {.step = run_.step,
                                 .tokens = run_.tokens,
                                 .seed = resolved_.trainer.seed,
                                 .recipe = recipe_text(c),
                                 .compatible = resolved_.identity};
    const fs::path written =
        save_checkpoint(folder_, *run_.model, run_.trainer->optimizer(), state,
                        {.tokenizer_json = data_.tokenizer_text,
                         .end_of_text = data_.tokenizer.end_of_text() ? end_of_text_token : std::string_view(),
                         .keep = {int(c.keep), c.keep_every}});
    saved_step_ = run_.step;
    tell(fmt::format("saved {}\n", written.string()));
}

void PretrainLoop::show(const StepResult& s, double seconds, bool always) {
    using namespace std::chrono_literals;
    const auto now = Clock::now();
    if (!always && is_terminal(stdout) && now - shown_ < 250ms) return;  // more would only flicker
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
    const Config& c = resolved_.config;
    while (run_.step < steps_ && !stop_requested()) {
        double seconds = 0;
        const StepResult s = train_step(seconds);
        const bool last = run_.step == steps_;
        const bool validates = batches_.val_windows() > 0 && (last || is_due(run_.step, c.validation_every));
        show(s, seconds, last || validates || run_.step == first_step_ + 1);

        nlohmann::ordered_json record = {{"step", run_.step}, {"loss", s.loss},      {"grad_norm", s.grad_norm},
                                         {"lr", s.lr},        {"ms", seconds * 1e3}, {"tokens", s.tokens}};
        if (validates) validate(record);
        log_.write(record);
        if (is_due(run_.step, c.sample_every) || (last && c.sample_every > 0)) sampler_.sample(*run_.model, run_.step);
        if (last || is_due(run_.step, c.checkpoint_every)) save();
    }
    if (run_.step > 0) save();
    return run_.step == steps_;
}

}  // namespace gradus
