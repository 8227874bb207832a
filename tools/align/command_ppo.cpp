// gradus ppo: a policy from a reward model.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "align/policy/ppo.h"
#include "align/policy/pretraining_mix.h"
#include "align/policy/value_scale.h"
#include "engine/base/log.h"
#include "tools/align/phase_times.h"
#include "tools/align/policy_run.h"
#include "tools/align/pretraining_text.h"
#include "tools/cli.h"

namespace gradus {

namespace {

PpoConfig config_of(const Resolved& r, const ScoreShape& score, double value_offset) {
    const PpoSettings& s = r.config.ppo;
    const int64_t updates = s.epochs * s.minibatches;
    PpoConfig c;
    static_cast<UpdateConfig&>(c.policy) = static_cast<UpdateConfig&>(c.value) = in_updates(r.trainer, updates);
    if (s.value_lr > 0) {
        c.value.schedule.min_lr *= s.value_lr / c.value.schedule.lr;
        c.value.schedule.lr = s.value_lr;
    }
    c.value.optimizer.average = 0;  // nobody reads it
    c.policy.clip = {.low = s.clip, .high = s.clip};
    c.value.clip = s.value_clip;
    c.value.offset = value_offset;
    c.policy.epochs = c.value.epochs = int(s.epochs);
    c.policy.minibatches = c.value.minibatches = int(s.minibatches);
    c.policy.temperature = s.temperature;
    c.policy.target_kl = s.stop_kl;
    c.policy.seed = c.value.seed = r.trainer.seed;
    c.kl = {.beta = s.beta, .target = s.kl_target, .horizon = s.kl_horizon};
    c.score = score;
    c.gamma = s.gamma;
    c.lambda = s.lambda;
    c.whiten_rewards = s.whiten_rewards;
    c.whiten_advantages = s.whiten_advantages;
    return c;
}

// Nothing without ppo.ptx_weight.
PretrainingText pretraining_text(AlignedRun& run) {
    const Config& c = run.config();
    if (c.ppo.ptx_weight == 0) return {};
    PretrainingText text =
        open_pretraining_text(c.data.dir, run.chat().tokenizer(), int(c.train.context), uint64_t(c.train.seed));
    text.identity.insert(0, " ");
    return text;
}

void ppo(MpiWorld& world, const Config& given, const RunCommand& o) {
    AlignedRun run(world, given, o);
    const LockedFolder reward_folder = open_reward_model(run, world, run.config().ppo.reward);
    const PolicyPrompts prompts = read_prompts(run);
    run.config().train.batch = run.config().ppo.batch;
    const PretrainingText text = pretraining_text(run);
    if (!run.resolve(prompts.hash + fingerprint(run.base_folder()) + fingerprint(reward_folder.path) + text.identity,
                     false))
        return;
    const Resolved& r = run.resolved();
    const PpoSettings& s = r.config.ppo;
    const Mode frozen = {.parts = r.mode.parts};

    const auto policy = run.language_model(r.mode), reference = run.language_model(frozen);
    const auto value = run.score_model(r.mode);
    run.load(reference->parameters, run.base_folder());
    const Reward reward = reward_by_model(run, reward_folder.path);
    PolicyRollouts rollouts(run, prompts, *policy, 1);
    const ScoreShape shape = shape_of_scores(run, [&] {
        copy_values(policy->parameters, reference->parameters);
        const std::vector<int> chosen = rollouts.chosen_in(0);
        return reward(chosen, rollouts.answers_to(chosen, -1));
    });
    const double value_offset =
        run.resume() ? remembered(run.resume()->state.stage, "value_offset", 0) : offset_of_values(shape);
    PpoTrainer trainer(*policy, *value, *reference, config_of(r, shape, value_offset), run.mesh());
    GradientStep &of_policy = trainer.policy().gradient_step(), &of_value = trainer.value().gradient_step();
    if (!run.resume()) {
        run.load(policy->parameters, run.base_folder(), &of_policy.optimizer());
        run.load(value->parameters, reward_folder.path, &of_value.optimizer());
        scale_to_rewards(*value, of_value.optimizer(), shape);
    }
    const std::vector<Companion> companions = {{"value", &r.model, &value->parameters, &of_value.optimizer()}};
    const auto restore = [&](const std::string& stage) { trainer.kl().beta = remembered(stage, "beta", s.beta); };
    restore(run.load_state(of_policy, companions));
    tell(fmt::format(
        "ppo      {} answers an iteration to {} prompts; {} updates of each model; scores {:+.3f} ± {:.3f} at "
        "the start\n",
        s.batch, prompts.ids.size(), s.epochs * s.minibatches, shape.mean, shape.sd));

    std::optional<PretrainingMix> ptx;
    if (text.rows) ptx.emplace(*policy, text.rows, PretrainingConfig{s.ptx_weight, s.ptx_rows}, run.mesh());
    const PolicyUpdate::Addition addition = ptx ? ptx->addition() : PolicyUpdate::Addition{};

    PolicySamples samples(run, prompts);
    PpoStats last;
    PhaseTimes times;
    double ptx_loss = 0;
    LoopHooks hooks;
    hooks.step = [&](int64_t iteration, bool) {
        const int64_t sample = of_policy.sample_step(iteration);
        const std::vector<int> chosen = rollouts.chosen_in(sample);
        times.begin();
        const std::vector<Rollout> answers = rollouts.answers_to(chosen, sample);
        times.answers_end();
        const AnswerScores scores = reward(chosen, answers);
        times.scores_end();
        last = trainer.learn(iteration, answers, scores.scores, addition);
        times.updates_end();
        if (ptx) ptx_loss = ptx->take_loss();
        for (const std::string& warning : warnings_of(iteration, last.policy, last.kl)) note(warning);
        samples.write(iteration, chosen, answers, scores);
        return step_of(iteration, last.policy, last.length, s.batch);
    };
    hooks.show = [&](const ShownStep& shown) {
        tell(step_line(shown,
                       fmt::format("score {:+.3f}  KL {:.3f}  entropy {:.2f}  clip {:.3f}  explained {:+.2f}  length "
                                   "{:.1f}  ended {:.2f}{}",
                                   (last.score - shape.mean) / shape.sd, last.kl, last.entropy,
                                   last.policy.ratios.clip_fraction(), last.value.explained_variance, last.length,
                                   last.ended, ptx ? fmt::format("  ptx {:.3f}", ptx_loss) : "")));
    };
    hooks.record = [&](nlohmann::ordered_json& line) {
        line["score"] = last.score;
        line["normalised_score"] = (last.score - shape.mean) / shape.sd;
        line["reward"] = last.reward;
        line["kl"] = last.kl;
        line["beta"] = last.beta;
        line["entropy"] = last.entropy;
        record_policy(line, last.policy);
        if (ptx) line["ptx_loss"] = ptx_loss;
        line["value_loss"] = last.value.loss;
        line["explained_variance"] = last.value.explained_variance;
        line["length"] = last.length;
        line["ended"] = last.ended;
        times.record(line);
    };
    samples.add_hooks(hooks);
    hooks.restore = restore;
    const auto state = [&] {
        return nlohmann::json{{"beta", trainer.kl().beta},
                              {"score_mean", shape.mean},
                              {"score_sd", shape.sd},
                              {"value_offset", value_offset}}
            .dump();
    };
    run.loop(of_policy, hooks, {.companions = companions, .stage = state},
             fmt::format("gradus chat {}", r.config.run.dir));
}

}  // namespace

void add_ppo_command(CLI::App& app) {
    add_run_command(
        app, Stage::ppo,
        "Aligns a model with a reward model by proximal policy optimisation: it answers prompts, each answer is "
        "scored, and the policy moves towards\n"
        "better ones, held to the model that it starts from. An iteration is a step; the value model is saved "
        "inside the checkpoint.",
        "gradus ppo --model.from=runs/sft --ppo.reward=runs/reward --ppo.prompts=prompts.jsonl "
        "--run.dir=runs/ppo",
        ppo);
}

}  // namespace gradus
