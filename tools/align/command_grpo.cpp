// gradus grpo: a policy from groups of answers to the same prompt, without a value model.
#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "align/policy/grpo.h"
#include "engine/base/log.h"
#include "tools/align/group_batch.h"
#include "tools/align/phase_times.h"
#include "tools/align/rewards.h"
#include "tools/cli.h"

namespace gradus {

namespace {

GroupAdvantage advantage_named(const std::string& name) {
    return name == "rloo" ? GroupAdvantage::rloo : name == "dr_grpo" ? GroupAdvantage::dr_grpo : GroupAdvantage::grpo;
}

PolicyObjective objective_named(const std::string& name) {
    if (name == "reinforce") return PolicyObjective::reinforce;
    if (name == "cispo") return PolicyObjective::cispo;
    return name == "gspo" ? PolicyObjective::gspo : PolicyObjective::ppo;
}

Kl kl_named(const std::string& name) {
    if (name == "k1") return Kl::k1;
    if (name == "k2") return Kl::k2;
    return name == "k3" ? Kl::k3 : Kl::k3_with_k2_gradient;
}

GrpoConfig grpo_config(const Resolved& r) {
    const GrpoSettings& s = r.config.grpo;
    GrpoConfig c;
    static_cast<UpdateConfig&>(c.policy) = in_updates(r.trainer, s.epochs * s.minibatches);
    c.policy.objective = objective_named(s.objective);
    c.policy.clip = {.low = s.clip_low, .high = s.clip_high};
    c.policy.normaliser = normaliser_named(s.normaliser);
    c.policy.longest = s.max_tokens;
    c.policy.kl = kl_named(s.kl);
    c.policy.kl_beta = s.beta;
    c.policy.epochs = int(s.epochs);
    c.policy.minibatches = int(s.minibatches);
    c.policy.temperature = s.temperature;
    c.policy.seed = r.trainer.seed;
    c.advantage = advantage_named(s.advantage);
    c.group = int(s.group);
    return c;
}

// The mean of a group's unscored answers would be one of nothing.
void require_some_scored(const AnswerScores& scores) {
    if (std::count(scores.scored.begin(), scores.scored.end(), 1) > 0) return;
    throw Error("no answer of this iteration has a score", "the reward gave null for all of them",
                "let the reward score some answers, or give the prompts references");
}

void grpo(MpiWorld& world, const Config& given, const RunCommand& o) {
    AlignedRun run(world, given, o);
    const bool by_model = !run.config().grpo.reward.empty();
    const LockedFolder reward_folder =
        by_model ? open_reward_model(run, world, run.config().grpo.reward) : LockedFolder{};
    const PolicyPrompts prompts = read_prompts(run);
    run.config().train.batch = run.config().grpo.batch;
    if (!run.resolve(prompts.hash + fingerprint(run.base_folder()) + fingerprint(reward_folder.path), false)) return;
    const Resolved& r = run.resolved();
    const GrpoSettings& s = r.config.grpo;

    const Reward reward = by_model                    ? reward_by_model(run, reward_folder.path)
                          : !s.reward_command.empty() ? reward_by_program(run, prompts)
                                                      : reward_by_comparison(run, prompts);
    const auto policy = run.language_model(r.mode);
    std::unique_ptr<LanguageModel> reference;
    if (s.beta > 0) {
        reference = run.language_model({.parts = r.mode.parts});
        run.load(reference->parameters, run.base_folder());
    }
    PolicyRollouts rollouts(run, prompts, *policy, s.group);
    ScoreShape shape = {.clip = s.score_clip, .missing_end = s.missing_end};
    if (by_model)
        shape = shape_of_scores(run, [&] {
            run.load(policy->parameters, run.base_folder());
            const std::vector<int> chosen = rollouts.chosen_in(0);
            return reward(chosen, rollouts.answers_to(chosen, -1));
        });
    GrpoTrainer trainer(*policy, reference.get(), grpo_config(r), run.mesh());
    GradientStep& step = trainer.policy().gradient_step();
    if (!run.resume()) run.load(policy->parameters, run.base_folder(), &step.optimizer());
    // Dynamic sampling: prompts that were answered so far. A rollback goes on behind those that led to it, so it keeps the number.
    auto prompts_used = int64_t(remembered(run.load_state(step), "prompts_used", 0));
    PhaseTimes times;
    const auto answered = [&](const std::vector<int>& chosen, int64_t sample, int64_t before) {
        GroupBatch round = {.chosen = chosen, .answers = rollouts.answers_to(chosen, sample, before)};
        times.answers_end();
        round.scores = reward(chosen, round.answers);
        times.scores_end();
        round.sampled = int64_t(chosen.size());
        return round;
    };
    const auto dynamically_sampled = [&](int64_t sample) {
        DynamicSampling sampling(s.batch / s.group, s.group, s.max_rounds);
        int64_t answers = 0;
        while (const int64_t wanted = sampling.next_prompts()) {
            sampling.add(answered(rollouts.chosen_at(prompts_used, wanted), sample, answers));
            prompts_used += wanted;
            answers += wanted * s.group;
        }
        return sampling.batch();
    };
    tell(fmt::format("grpo     {} answers an iteration, {} to each of {} prompts, from {} prompts; {} updates\n",
                     s.batch, s.group, s.batch / s.group, prompts.ids.size(), s.epochs * s.minibatches));

    PolicySamples samples(run, prompts);
    GrpoStats last;
    GroupBatch batch;
    double score = 0;  // as the reward gave it
    LoopHooks hooks;
    hooks.step = [&](int64_t iteration, bool) {
        const int64_t sample = step.sample_step(iteration);
        times.begin();
        batch = s.dynamic_sampling ? dynamically_sampled(sample) : answered(rollouts.chosen_in(sample), sample, 0);
        require_some_scored(batch.scores);
        double sum = 0, count = 0;
        for (size_t i = 0; i < batch.answers.size(); ++i) {
            sum += batch.scores.scores[i];  // 0 where there is none
            count += batch.scores.scored[i];
        }
        score = sum / count;
        const AnswerScores shaped = shaped_scores(batch.scores, batch.answers, shape, s.max_tokens, s.overlong);
        last = trainer.learn(iteration, batch.answers, shaped.scores, shaped.scored);
        times.updates_end();
        for (const std::string& warning : warnings_of(iteration, last.policy, last.kl)) note(warning);
        samples.write(iteration, batch.chosen, batch.answers, batch.scores);
        return step_of(iteration, last.policy, last.length, s.batch);
    };
    const auto share = [](double part, double whole) { return whole > 0 ? part / whole : 0; };
    hooks.show = [&](const ShownStep& shown) {
        tell(step_line(shown, fmt::format("score {:+.3f}  {}entropy {:.2f}  clip {:.3f}  without spread {:.2f}  "
                                          "unscored {:.2f}  length {:.1f}  ended {:.2f}{}",
                                          score, reference ? fmt::format("KL {:.3f}  ", last.kl) : "", last.entropy,
                                          last.policy.ratios.clip_fraction(),
                                          share(last.groups.without_spread, last.groups.groups),
                                          share(last.groups.unscored, last.groups.answers), last.length, last.ended,
                                          s.dynamic_sampling ? fmt::format("  rounds {}", batch.rounds) : "")));
    };
    hooks.record = [&](nlohmann::ordered_json& line) {
        line["score"] = score;
        line["reward"] = last.score;
        if (reference) line["kl"] = last.kl;
        line["entropy"] = last.entropy;
        record_policy(line, last.policy);
        line["without_spread"] = share(last.groups.without_spread, last.groups.groups);
        line["unscored"] = share(last.groups.unscored, last.groups.answers);
        if (s.dynamic_sampling) {
            line["rounds"] = batch.rounds;
            line["sampled"] = batch.sampled;
        }
        line["length"] = last.length;
        line["ended"] = last.ended;
        times.record(line);
    };
    samples.add_hooks(hooks);
    const auto state = [&] {
        return nlohmann::json{{"score_mean", shape.mean}, {"score_sd", shape.sd}, {"prompts_used", prompts_used}}
            .dump();
    };
    run.loop(step, hooks, {.stage = state}, fmt::format("gradus chat {}", r.config.run.dir));
}

}  // namespace

void add_grpo_command(CLI::App& app) {
    add_run_command(
        app, Stage::grpo,
        "Aligns a model with groups of answers to the same prompt, each judged against the others (GRPO, Dr. GRPO, "
        "RLOO, DAPO, …), without a\n"
        "value model. Answers are scored by a reward model, by a program (grpo.reward_command), or by comparison "
        "with the prompt's reference\n"
        "(grpo.exact, grpo.pattern). An iteration is a step.",
        "gradus grpo --model.from=runs/sft --grpo.prompts=questions.jsonl --grpo.exact=true --run.dir=runs/grpo", grpo);
}

}  // namespace gradus
