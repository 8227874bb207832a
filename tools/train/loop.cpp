#include "tools/train/loop.h"

#include <fmt/format.h>

#include <utility>

#include "tools/align/demonstrations.h"
#include "tools/open_model.h"

namespace gradus {

TextLoop::TextLoop(const Resolved& r, const RunData& data, const RunBatches& batches, std::vector<Prompt> samples,
                   TrainingRun run)
    : resolved_(r),
      data_(data),
      batches_(batches),
      run_(std::move(run)),
      parameters_(parameter_count(r.model)),
      next_batch_(batches.train()),
      sampler_(r, data, std::move(samples), run_.samples.get(), run_.state.step, run_.trainer->mesh().world),
      bytes_of_ids_(bytes_of_ids(data.tokenizer, r.model.V)),
      loop_(r.model, run_.trainer->gradient_step(), config_of(r), hooks(), run_.state) {}

LoopConfig TextLoop::config_of(const Resolved& r) const {
    const Config& c = r.config;
    const auto& tokenizer = data_.tokenizer;
    LoopConfig loop;
    loop.folder = c.run.dir;
    loop.steps = c.train.steps;
    loop.validate_every = c.validation.every;
    loop.keep_best = keeps_best(c);
    loop.patience = c.validation.patience;
    loop.sample_every = c.sample.every;
    loop.save_every = c.checkpoint.every;
    loop.lr = c.optimizer.lr;
    loop.checkpoints = {.keep = {int(c.checkpoint.keep), c.checkpoint.keep_every},
                        .background = c.checkpoint.background,
                        .in_place = run_.trainer->mesh().world.size == 1 && c.train.device == "cpu",
                        .options = {.tokenizer_json = data_.tokenizer_text,
                                    .end_of_text = tokenizer.end_of_text() ? std::string(end_of_text_token) : ""},
                        .seed = r.trainer.seed,
                        .recipe = recipe_text(c),
                        .identity = r.identity};
    if (data_.chat) add_chat_template(loop.checkpoints.options, *data_.chat, r.model);
    return loop;
}

LoopHooks TextLoop::hooks() {
    LoopHooks h;
    h.step = [this](int64_t step, bool another) { return run_.trainer->step(step, next_batch_, another); };
    if (batches_.val_windows() > 0) h.validate = [this](const auto& stop) { return validate(stop); };
    h.sample = [this](int64_t step) { sampler_.sample(step); };
    h.sync = [this] { sampler_.sync(); };
    h.remove_after = [this](int64_t step) { sampler_.remove_after(step); };
    h.show = [this](const ShownStep& s) { show(s); };
    h.show_validation = [this](int64_t step, const ValidationResult& v, double s) { show_validation(step, v, s); };
    return h;
}

ValidationResult TextLoop::validate(const std::function<bool()>& stop) {
    const int64_t windows = batches_.val_windows();
    ProgressLine progress("validating");
    const NextBatch val = batches_.val();
    const NextBatch next = [&](int64_t first, HostBatch& batch) {
        progress.update(double(first), double(windows), "windows");
        val(first, batch);
    };
    return run_.validation->run(windows, next, bytes_of_ids_, stop);
}

void TextLoop::show_validation(int64_t step, const ValidationResult& v, double seconds) {
    const int64_t steps = resolved_.config.train.steps;
    tell(fmt::format("valid {:>{}}/{}  loss {:7.4f}  {:.4f} bits per byte, {} tokens in {}\n", step,
                     std::to_string(steps).size(), steps, v.loss(), v.bits_per_byte(), text_of_whole(v.targets),
                     text_of_seconds(seconds)));
}

void TextLoop::show(const ShownStep& s) {
    if (!rate_.is_due(s.always)) return;
    const double rate = double(s.result.tokens) / s.seconds;
    tell(text_of(StepLine{.step = s.step,
                          .steps = s.steps,
                          .loss = s.result.loss,
                          .grad_norm = s.result.grad_norm,
                          .lr = s.result.lr,
                          .seconds = s.seconds,
                          .tokens_per_second = rate,
                          .flops_per_second = 6 * double(parameters_) * rate,
                          .seconds_left = s.seconds_per_step * double(s.steps - s.step)}) +
         "\n");
}

}  // namespace gradus
