#pragma once
// The settings of gradus rounds: rankings, a reward model and PPO, several times.
#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/settings.h"
#include "engine/settings/limits.h"
#include "engine/settings/run.h"

namespace gradus {

struct RoundsSettings {
    static constexpr const char* section = "rounds";

    std::string policy, rater = "people", start = "policy", reward_recipe, ppo_recipe, chat_template, held_out, launch;
    std::vector<std::string> prompts, rankings, reward_set, ppo_set;
    std::string device = "cpu", dtype = "f32";
    int64_t count = 3, prompts_a_round = 0, rankings_a_round = 0, samples = 4, max_tokens = 128, held_out_count = 256;
    int64_t port = 7788, seed = 1;
    double temperature = 1, noise = 0.5;
    bool mix = true, last_ranking = false;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // clang-format off
        visit("policy", policy, Limits{}, fixed,
              "the fine-tuned model (gradus sft): its answers are ranked first, the reward models and PPO start from it");
        visit("count", count, between(1, 1000), free,
              "rounds; a finished run continues with more");
        visit("prompts", prompts, Limits{}, fixed,
              "files of prompts, to rank answers to and to train on; any format of examples has prompts");
        visit("prompts_a_round", prompts_a_round, between(0, largest_count), fixed,
              "prompts whose answers are ranked in a round, taken in turn; 0: all");
        visit("rater", rater, one_of({{"people"}, {"simulated"}}), fixed,
              "people rank on the page of gradus rank; simulated is a program (align/raters/description_rater.h), which every "
              "ranking says");
        visit("noise", noise, between(0, 100), fixed,
              "of the simulated rater: scale of the noise on its utility");
        visit("rankings_a_round", rankings_a_round, between(0, largest_count), free,
              "by people: a round goes on when so many rankings are there; 0: one for each prompt");
        visit("samples", samples, between(2, 64), fixed,
              "answers to a prompt");
        visit("mix", mix, Limits{}, fixed,
              "from the second round, half of the answers to a prompt are of the last policy and half of `policy`; otherwise all "
              "are of the last policy");
        visit("max_tokens", max_tokens, between(1, largest_length), fixed,
              "longest answer that is ranked, in tokens");
        visit("temperature", temperature, between(0, 100), fixed,
              "of the answers that are ranked");
        visit("template", chat_template, Limits{}, fixed,
              "chat template; unset: the one of policy");
        visit("rankings", rankings, Limits{}, fixed,
              "files of earlier rankings, from which every round learns too");
        visit("start", start, one_of({{"policy"}, {"last"}}), fixed,
              "what PPO starts from, and is held to: `policy`, or the policy of the round before");
        visit("reward", reward_recipe, Limits{}, fixed,
              "recipe of the reward model: a file or a name; unset: the defaults of gradus reward");
        visit("reward_set", reward_set, Limits{}, fixed,
              "settings for it, such as \"optimizer.lr=1e-3\"");
        visit("ppo", ppo_recipe, Limits{}, fixed,
              "recipe of PPO: a file or a name; unset: the defaults of gradus ppo");
        visit("ppo_set", ppo_set, Limits{}, fixed,
              "settings for it");
        visit("last_ranking", last_ranking, Limits{}, free,
              "by people: after the last round they compare its policy with `policy`");
        visit("held_out", held_out, Limits{}, fixed,
              "file of prompts on which the simulated rater's utility is measured; unset: prompts");
        visit("held_out_count", held_out_count, between(1, largest_count), fixed,
              "prompts of it, the first ones");
        visit("launch", launch, Limits{}, free,
              "starts the ranks of the reward model and of PPO, such as \"mpirun -n 4\"");
        visit("port", port, between(0, 65535), free,
              "of the page, on this machine only; 0: any free one");
        visit("device", device, Limits{}, free,
              "of all commands: cpu, cuda or simt");
        visit("dtype", dtype, one_of({{"f32"}, {"bf16"}}), fixed,
              "of all commands");
        visit("seed", seed, between(0, largest_count), fixed,
              "of the answers and of the order of the prompts");
        // clang-format on
    }
};

struct RoundsConfig {
    RunSettings run;
    RoundsSettings rounds;

    WrittenAt written_at;
    const char* help_command = "gradus rounds --help-settings";

    template <class Visit>
    void each_section(Visit&& visit) {
        visit(run), visit(rounds);
    }
};

// For engine/base/settings.h.
std::vector<DeclaredSetting> declared(RoundsConfig&);

// A recipe file (empty: none), then the `key=value` assignments of the command line. Error if something that has no default is
// missing.
RoundsConfig load_rounds(const std::string& recipe, const std::vector<std::string>& assignments);

// Error if a run that began with `then` has other settings, of those that are fixed, than `now`.
void require_same_rounds(RoundsConfig then, RoundsConfig now);

}  // namespace gradus
