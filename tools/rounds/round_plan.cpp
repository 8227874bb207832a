#include "tools/rounds/round_plan.h"

#include <fmt/format.h>

#include <numeric>

namespace gradus {

RoundPlan::RoundPlan(const RoundsConfig& config, int round, int64_t prompts)
    : config_(config), round_(round), prompts_(prompts) {}

fs::path RoundPlan::folder_of(int round) const { return fs::path(config_.run.dir) / fmt::format("round-{}", round); }

std::vector<std::string> RoundPlan::ranked_models() const {
    if (round_ == 1) return {config_.rounds.policy};
    const std::string last = folder_of(round_ - 1) / "ppo";
    return config_.rounds.mix ? std::vector<std::string>{config_.rounds.policy, last} : std::vector<std::string>{last};
}

void RoundPlan::add_compute(Command& c) const {
    c.insert(c.end(), {"--device", config_.rounds.device, "--dtype", config_.rounds.dtype});
}

Command RoundPlan::rank() const {
    const RoundsSettings& r = config_.rounds;
    Command c = {"rank"};
    for (const std::string& m : ranked_models()) c.push_back(m);
    c.insert(c.end(), {"--prompts", prompts(), "--out", rankings(), "--samples", std::to_string(r.samples),
                       "--max-tokens", std::to_string(r.max_tokens), "--temperature", fmt::format("{}", r.temperature),
                       "--seed", std::to_string(r.seed + round_)});
    if (!r.chat_template.empty()) c.insert(c.end(), {"--template", r.chat_template});
    if (r.rater == "simulated") c.insert(c.end(), {"--simulated", "--noise", fmt::format("{}", r.noise)});
    else
        c.insert(c.end(), {"--port", std::to_string(r.port), "--until",
                           std::to_string(r.rankings_a_round > 0 ? r.rankings_a_round : prompts_)});
    add_compute(c);
    return c;
}

void RoundPlan::add_training(Command& c, const std::vector<std::string>& settings) const {
    const RoundsSettings& r = config_.rounds;
    c.insert(c.end(), {"--set", "train.device=" + r.device, "--set", "train.dtype=" + r.dtype});
    for (const std::string& s : settings) c.insert(c.end(), {"--set", s});
    if (!r.launch.empty()) c.insert(c.end(), {"--launch", r.launch});
}

Command RoundPlan::learn_reward() const {
    const RoundsSettings& r = config_.rounds;
    std::vector<std::string> files = r.rankings;
    for (int round = 1; round <= round_; ++round) files.push_back(folder_of(round) / "rankings.jsonl");
    Command c = {"reward"};
    if (!r.reward_recipe.empty()) c.push_back(r.reward_recipe);
    c.insert(c.end(), {"--set", "model.from=" + r.policy, "--set", "reward.data=" + toml_text(files), "--set",
                       "run.dir=" + reward().string()});
    if (!r.chat_template.empty()) c.insert(c.end(), {"--set", "reward.template=" + r.chat_template});
    add_training(c, r.reward_set);
    return c;
}

Command RoundPlan::optimise() const {
    const RoundsSettings& r = config_.rounds;
    const bool from_last = r.start == "last" && round_ > 1;
    Command c = {"ppo"};
    if (!r.ppo_recipe.empty()) c.push_back(r.ppo_recipe);
    c.insert(c.end(), {"--set", "model.from=" + (from_last ? (folder_of(round_ - 1) / "ppo").string() : r.policy),
                       "--set", "ppo.reward=" + reward().string(), "--set", "ppo.prompts=" + toml_text(r.prompts),
                       "--set", "run.dir=" + policy().string()});
    if (!r.chat_template.empty()) c.insert(c.end(), {"--set", "ppo.template=" + r.chat_template});
    add_training(c, r.ppo_set);
    return c;
}

Command RoundPlan::measure() const {
    const RoundsSettings& r = config_.rounds;
    Command c = {"stages"};
    if (round_ == 1) c.push_back("policy=" + r.policy);
    c.insert(c.end(), {fmt::format("round-{}={}", round_, policy().string()), "--prompts",
                       r.held_out.empty() ? r.prompts[0] : r.held_out, "--count", std::to_string(r.held_out_count),
                       "--max-tokens", std::to_string(r.max_tokens), "--reward", reward(), "--reference", r.policy,
                       "--seed", std::to_string(r.seed), "--out", measured()});
    if (!r.chat_template.empty()) c.insert(c.end(), {"--template", r.chat_template});
    add_compute(c);
    return c;
}

std::vector<int64_t> prompts_of_round(int round, int64_t a_round, int64_t all) {
    std::vector<int64_t> chosen(size_t(a_round > 0 && a_round < all ? a_round : all));
    std::iota(chosen.begin(), chosen.end(), int64_t(round - 1) * int64_t(chosen.size()));
    for (int64_t& i : chosen) i %= all;
    return chosen;
}

}  // namespace gradus
