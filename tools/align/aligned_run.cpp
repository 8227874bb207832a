#include "tools/align/aligned_run.h"

#include <fmt/format.h>

#include "engine/checkpoint/checksum.h"
#include "engine/checkpoint/manifest.h"
#include "engine/checkpoint/weights.h"
#include "engine/resolve/same_run.h"
#include "tools/cli.h"
#include "tools/model_folder.h"

namespace gradus {

namespace {

const Config& with_threads(const MpiWorld& world, const Config& config) {
    use_threads_of_rank(world, int(config.train.threads));
    return config;
}

}  // namespace

AlignedRun::AlignedRun(MpiWorld& world, const Config& config, const RunCommand& o)
    : world_(world),
      config_(with_threads(world, config)),
      ops_(ops_of(config, world)),
      from_(model_folder(config.model.from, VerifyLevel::model, world.all())),
      model_(open_chat_model(from_.path.string(),
                             config.stage == Stage::ppo || config.stage == Stage::grpo
                                 ? config.rollouts().chat_template
                                 : config.examples().chat_template,
                             of_stage(config.stage).name)),
      base_(read_model_config(from_.path)) {
    if (config_.stage != Stage::reward) require_language_model(from_.path);
    config_.model.from = from_.path.string();
    if (config_.train.context == 0) config_.train.context = base_.context;
    const fs::path folder = config_.run.dir;
    std::error_code ignored;
    is_new_ = is_first() && !fs::exists(folder, ignored);
    if (is_first() && !is_new_) lock_.emplace(folder);
    resume_ = find_resume_point(folder, config_.stage, o.resume == "never", world.all());
}

bool AlignedRun::resolve(const std::string& identity, bool validates) {
    DataFacts facts = {.vocab = model_.chat.tokenizer().vocab_size(),
                       .end_of_text = model_.chat.tokenizer().end_of_text().value_or(-1),
                       .identity = identity};
    facts.validates = validates;
    facts.longest_prompt = 0;
    const std::string begun = resume_ ? resume_->state.compatible : "";
    if (resume_) require_same_settings(begun, config_, facts);
    resolved_ = gradus::resolve(config_, facts, base_, world_.size());
    if (resume_) require_same_run(begun, resolved_, resume_->state.step);
    require_same_run_on(world_, resolved_);
    for (const std::string& text : resolved_.notes) note(text);
    require_device_memory(world_, resolved_, facts, ops_);
    comms_.emplace(world_, ops_, comm_request(resolved_.config, world_));
    mesh_ = comms_->mesh(resolved_.mesh);
    if (is_first() && resume_) finish_save(*resume_);
    return !gradus::is_finished(resume_, resolved_.config);
}

std::unique_ptr<LanguageModel> AlignedRun::language_model(Mode mode) const {
    mode.graphs = resolved_.mode.graphs;
    return make_language_model(ops_, resolved_.model, resolved_.dtype, resolved_.shape, mode, mesh_.tp);
}

std::unique_ptr<ScoreModel> AlignedRun::score_model(Mode mode) const {
    mode.graphs = resolved_.mode.graphs;
    return std::make_unique<ScoreModel>(ops_, resolved_.model, resolved_.dtype, resolved_.shape, mode, mesh_.tp);
}

void AlignedRun::load(Parameters& parameters, const fs::path& folder, Optimizer* optimizer) const {
    if (optimizer) load_weights(parameters, resolved_.model, *optimizer, folder);
    else load_weights(parameters, resolved_.model, folder);
}

std::string AlignedRun::load_state(GradientStep& step, const std::vector<Companion>& companions) {
    if (!resume_) return "";
    const TrainingState state = load_checkpoint(resume_->folder, step.parameters(), resolved_.model, step.optimizer(),
                                                mesh_, Verified::yes, companions);
    step.stability().restore(state.stability);
    state_ = {.step = state.step, .tokens = state.tokens, .best = state.best};
    state_.rollback_targets = state.rollback_targets.value_or(std::vector<int64_t>{});
    return state.stage;
}

void AlignedRun::loop(GradientStep& step, LoopHooks hooks, Saved saved, const std::string& next) {
    const Config& c = resolved_.config;
    const fs::path folder = c.run.dir;
    world_.all().barrier();
    from_.lock.reset();
    if (is_new_) lock_new_folder(folder, lock_);
    if (is_first()) {
        remove_stale_temporaries(folder);
        write_file_atomically(folder / "recipe.toml", recipe_text(c));
    }
    LoopConfig l;
    l.folder = folder;
    l.steps = c.train.steps;
    l.validate_every = c.validation.every;
    l.keep_best = keeps_best(c);
    l.patience = c.validation.patience;
    l.save_every = c.checkpoint.every;
    l.lr = c.optimizer.lr;
    l.checkpoints = {.keep = {int(c.checkpoint.keep), c.checkpoint.keep_every},
                     .background = c.checkpoint.background,
                     .in_place = mesh_.world.size == 1 && c.train.device == "cpu",
                     .options = {.tokenizer_json = model_.tokenizer_text,
                                 .end_of_text = chat().tokenizer().end_of_text() ? std::string(end_of_text_token) : ""},
                     .seed = resolved_.trainer.seed,
                     .recipe = recipe_text(c),
                     .identity = resolved_.identity,
                     .companions = std::move(saved.companions),
                     .stage = std::move(saved.stage),
                     .before_save = std::move(saved.before_save)};
    add_chat_template(l.checkpoints.options, chat(), resolved_.model);
    const std::string resume_with = resumption(c, world_.size());
    world_.set_resume(resume_with);
    hooks.show = [show = hooks.show, rate = ShowRate()](const ShownStep& s) mutable {
        if (rate.is_due(s.always)) show(s);
    };
    TrainingLoop loop(resolved_.model, step, l, std::move(hooks), state_);
    if (loop.run()) tell(ending(c, loop.state()) + fmt::format("done: {}, or gradus report {}\n", next, c.run.dir));
    else tell(fmt::format("stopped; {}\n", resume_with));
}

std::string fingerprint(const fs::path& folder) {
    std::error_code ignored;
    const fs::path manifest = folder / manifest_name;
    return fs::exists(manifest, ignored) ? " " + hexadecimal(checksum_of(read_file(manifest))) : "";
}

std::string step_line(const ShownStep& s, const std::string& more) {
    return fmt::format("step {:>{}}/{}  loss {:8.4f}  {}  grad {:7.3f}  lr {:.2e}  {:6.0f} ms\n", s.step,
                       std::to_string(s.steps).size(), s.steps, s.result.loss, more, s.result.grad_norm, s.result.lr,
                       s.seconds * 1e3);
}

}  // namespace gradus
