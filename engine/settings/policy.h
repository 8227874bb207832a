#pragma once
// Policy optimisation: rollouts, PPO and the GRPO family.
#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/settings.h"
#include "engine/settings/limits.h"

namespace gradus {

// The part that the sections of ppo and grpo share.
struct RolloutSettings {
    std::vector<std::string> prompts;
    std::string reward, format, chat_template;
    int64_t batch = 64, at_once = 64, max_tokens = 128;
    double temperature = 1;
    double missing_end = 1, score_clip = 0;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // clang-format off
        visit("prompts", prompts, Limits{}, free,
              "files of prompts; any format of examples has prompts");
        visit("format", format, Limits{}, free,
              "format of all files; unset: detected");
        visit("template", chat_template, Limits{}, free,
              "how a conversation becomes a text (gradus sft --help-settings); unset: the template of model.from",
              {"chat_template"});
        visit("reward", reward, Limits{}, free,
              "folder of the reward model (gradus reward)",
              {"reward_model", "reward_model_path"});
        visit("batch", batch, between(1, 1 << 20), fixed,
              "answers in an iteration, on all ranks together",
              {"rollout_batch_size", "rollout_batch"});
        visit("at_once", at_once, between(1, 1 << 16), free,
              "answers that a rank generates at once; a finished one makes room for the next prompt");
        visit("max_tokens", max_tokens, between(1, largest_length), fixed,
              "longest answer, its end included",
              {"max_new_tokens", "max_completion_length", "response_length"});
        visit("temperature", temperature, between(1e-3, 100), fixed,
              "sampling temperature, of rollouts and of the policy that is trained");
        visit("missing_end", missing_end, between(0, 1e6), fixed,
              "penalty for an answer that does not end within max_tokens, in standard deviations of the score",
              {"missing_eos_penalty"});
        visit("score_clip", score_clip, between(0, 1e6), fixed,
              "largest normalised score, either way; 0: none",
              {"reward_clip", "clip_reward_value"});
        // clang-format on
    }
};

struct PpoSettings : RolloutSettings {
    static constexpr const char* section = "ppo";

    int64_t epochs = 4, minibatches = 1;
    double clip = 0.2, value_clip = 0.2, beta = 0.05, kl_target = 0, kl_horizon = 10000, gamma = 1, lambda = 0.95;
    double value_lr = 0, stop_kl = 0, ptx_weight = 0;
    int64_t ptx_rows = 8;
    bool whiten_rewards = false, whiten_advantages = true;

    template <class Visit>
    void each(Visit&& visit) {
        RolloutSettings::each(visit);
        using enum OnResume;
        // clang-format off
        visit("epochs", epochs, between(1, 1000), fixed,
              "passes over the answers of an iteration",
              {"ppo_epochs", "num_ppo_epochs"});
        visit("minibatches", minibatches, between(1, 1 << 20), fixed,
              "updates in a pass",
              {"num_mini_batches"});
        visit("clip", clip, between(1e-6, 10), fixed,
              "largest change of a token's probability ratio that is rewarded",
              {"cliprange", "clip_range"});
        visit("value_clip", value_clip, between(0, 1e6), fixed,
              "largest change of a value in an iteration; 0: none",
              {"cliprange_value"});
        visit("beta", beta, between(0, 1e3), fixed,
              "weight of the divergence from the reference in the reward; the first one, with kl_target",
              {"kl_coef", "init_kl_coef"});
        visit("kl_target", kl_target, between(0, 1e6), fixed,
              "nats per answer that beta is adapted to; 0: beta is fixed",
              {"target_kl", "target"});
        visit("kl_horizon", kl_horizon, between(1, largest_count), fixed,
              "answers in which beta adapts",
              {"horizon"});
        visit("gamma", gamma, between(0, 1), fixed,
              "discount of later rewards");
        visit("lambda", lambda, between(0, 1), fixed,
              "decay of generalised advantage estimation",
              {"lam", "gae_lambda"});
        visit("value_lr", value_lr, between(0, 100), fixed,
              "peak learning rate of the value model; 0: optimizer.lr",
              {"critic_lr", "value_learning_rate"});
        visit("stop_kl", stop_kl, between(0, 1e6), fixed,
              "no further pass over the answers after one that has moved the policy this far, in nats per token; 0: never");
        visit("ptx_weight", ptx_weight, between(0, 1e6), fixed,
              "weight of the loss of pre-training text of data.dir in every update of the policy, against forgetting; "
              "0: none",
              {"ptx_coef", "ptx_coeff", "pretraining_loss_coefficient"});
        visit("ptx_rows", ptx_rows, between(1, 1 << 20), fixed,
              "rows of that text in an update, each of train.context tokens, on all ranks together");
        visit("whiten_rewards", whiten_rewards, Limits{}, fixed,
              "divide rewards by their standard deviation");
        visit("whiten_advantages", whiten_advantages, Limits{}, fixed,
              "normalise advantages over all answers");
        // clang-format on
    }
};

struct GrpoSettings : RolloutSettings {
    static constexpr const char* section = "grpo";

    int64_t group = 8, epochs = 1, minibatches = 1, max_rounds = 10, overlong = 0;
    std::string advantage = "grpo", objective = "ppo", normaliser = "dapo", kl = "k3", reward_command;
    double clip_low = 0.2, clip_high = 0.2, beta = 0;
    std::string pattern;
    bool exact = false, dynamic_sampling = false;
    double reward_seconds = 60;

    template <class Visit>
    void each(Visit&& visit) {
        RolloutSettings::each(visit);
        using enum OnResume;
        // clang-format off
        visit("group", group, between(2, 1 << 16), fixed,
              "answers to a prompt; batch is a multiple of it",
              {"num_generations", "group_size"});
        visit("epochs", epochs, between(1, 1000), fixed,
              "passes over the answers of an iteration",
              {"num_iterations"});
        visit("minibatches", minibatches, between(1, 1 << 20), fixed,
              "updates in a pass");
        visit("dynamic_sampling", dynamic_sampling, Limits{}, fixed,
              "groups whose answers all have the same score are dropped, and further prompts answered until the batch is "
              "full (DAPO)",
              {"filter_groups", "dynamic_sample"});
        visit("max_rounds", max_rounds, between(1, 1e6), fixed,
              "dynamic_sampling: rounds of prompts in an iteration; groups without a spread fill a batch that is not full "
              "after them",
              {"max_num_gen_batches", "max_resample_times"});
        visit("overlong", overlong, between(0, largest_length), fixed,
              "answers that are longer than max_tokens less this many tokens lose score, up to 1 at max_tokens (DAPO); "
              "0: none",
              {"overlong_buffer", "soft_cache_length"});
        visit("advantage", advantage, one_of({{"grpo"}, {"dr_grpo", {"drgrpo"}}, {"rloo"}}), fixed,
              "of an answer in its group (align/advantages/group.h)");
        visit("objective", objective, one_of({{"ppo", {"clip"}}, {"reinforce"}, {"cispo"}, {"gspo"}}), fixed,
              "align/losses/policy.h");
        visit("normaliser", normaliser, one_of({{"grpo"}, {"dapo", {"bnpo"}}, {"dr_grpo", {"drgrpo"}}, {"sequence"}}), fixed,
              "what the sum over tokens is divided by (align/advantages/normaliser.h)",
              {"loss_type"});
        visit("kl", kl, one_of({{"k1"}, {"k2"}, {"k3"}, {"k3_with_k2_gradient"}}), fixed,
              "estimate of the divergence from the reference, as a term of the loss");
        visit("beta", beta, between(0, 1e3), fixed,
              "weight of that term; 0: no reference is needed",
              {"kl_coef"});
        visit("clip_low", clip_low, between(1e-6, 1), fixed,
              "largest decrease of a probability ratio that is rewarded",
              {"epsilon"});
        visit("clip_high", clip_high, between(1e-6, 100), fixed,
              "largest increase of a probability ratio that is rewarded",
              {"epsilon_high"});
        visit("reward_command", reward_command, Limits{}, free,
              "a program that scores answers instead of reward: it reads JSON lines with prompt, response and "
              "reference, and writes one with score for each (tools/align/reward_program.h)",
              {"reward_function"});
        visit("reward_seconds", reward_seconds, between(0.01, 1e6), free,
              "longest time that it may take for the answers of an iteration",
              {"reward_timeout"});
        visit("exact", exact, Limits{}, fixed,
              "instead of reward: 1 for an answer that is the reference of its prompt, 0 for another");
        visit("pattern", pattern, Limits{}, fixed,
              "instead of reward: 1 for an answer in which this extended regular expression (POSIX) is found, 0 for "
              "another; with exact, what its first group matches in answer and reference is compared");
        // clang-format on
    }
};

}  // namespace gradus
