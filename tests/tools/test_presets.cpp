// The recipes of tools/recipes/align that are named after publications: their values, against the tables of those.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

#include "tools/find_recipe.h"

using namespace gradus;

namespace {

struct Preset {
    const char* name;
    Stage stage;
    std::map<std::string, double> numbers;
    std::map<std::string, std::string> words = {};
};

// Ouyang et al. 2022, appendix C; Stiennon et al. 2020; Ziegler et al. 2019 and its code; Touvron et al. 2023, section 3; Yu et al.
// 2025; Liu et al. 2025 and its code; Ahmadian et al. 2024.
const std::vector<Preset> presets = {
    {"instructgpt-sft",
     Stage::sft,
     {{"sft.epochs", 16},
      {"train.batch", 32},
      {"train.dropout", 0.2},
      {"optimizer.lr", 9.65e-6},
      {"optimizer.min_lr", 9.65e-7},
      {"optimizer.warmup", 0},
      {"optimizer.beta1", 0.9},
      {"optimizer.beta2", 0.95}},
     {{"optimizer.schedule", "cosine"}}},
    {"instructgpt-reward",
     Stage::reward,
     {{"reward.epochs", 1},
      {"train.batch", 64},
      {"optimizer.lr", 9e-6},
      {"optimizer.min_lr", 9e-7},
      {"optimizer.warmup", 0},
      {"optimizer.beta1", 0.9},
      {"optimizer.beta2", 0.95}},
     {{"reward.loss", "pairs"}, {"optimizer.schedule", "cosine"}}},
    {"instructgpt-ppo",
     Stage::ppo,
     {{"ppo.batch", 512},
      {"ppo.minibatches", 8},
      {"ppo.epochs", 1},
      {"ppo.max_tokens", 1024},
      {"ppo.temperature", 1},
      {"ppo.clip", 0.2},
      {"ppo.beta", 0.02},
      {"ppo.gamma", 1},
      {"ppo.lambda", 0.95},
      {"ppo.value_lr", 9e-6},
      {"ppo.ptx_weight", 27.8},
      {"ppo.ptx_rows", 512},
      {"train.steps", 500},
      {"optimizer.lr", 8.05e-6},
      {"optimizer.warmup", 10},
      {"optimizer.beta1", 0.9},
      {"optimizer.beta2", 0.95},
      {"optimizer.average", 0.992}},
     {{"optimizer.schedule", "constant"}}},
    {"stiennon-tldr-reward",
     Stage::reward,
     {{"reward.epochs", 1},
      {"train.batch", 64},
      {"optimizer.lr", 1.5e-5},
      {"optimizer.min_lr", 0},
      {"optimizer.warmup", 0}},
     {{"reward.loss", "pairs"}, {"optimizer.schedule", "linear"}}},
    {"stiennon-tldr-ppo",
     Stage::ppo,
     {{"ppo.batch", 512},
      {"ppo.minibatches", 1},
      {"ppo.epochs", 4},
      {"ppo.max_tokens", 53},
      {"ppo.temperature", 0.7},
      {"ppo.missing_end", 1},
      {"ppo.clip", 0.2},
      {"ppo.value_clip", 0.2},
      {"ppo.beta", 0.05},
      {"ppo.gamma", 1},
      {"ppo.lambda", 0.95},
      {"train.steps", 1000000 / 512},
      {"optimizer.lr", 1.5e-5},
      {"optimizer.min_lr", 0},
      {"optimizer.eps", 1e-5}},
     {{"optimizer.schedule", "linear"}}},
    {"ziegler-sentiment-reward",
     Stage::reward,
     {{"reward.epochs", 1},
      {"train.batch", 32},
      {"optimizer.lr", 5e-5},
      {"optimizer.min_lr", 0},
      {"optimizer.warmup", 0}},
     {{"reward.loss", "best"}, {"optimizer.schedule", "linear"}}},
    {"ziegler-sentiment-ppo",
     Stage::ppo,
     {{"ppo.batch", 512},
      {"ppo.minibatches", 1},
      {"ppo.epochs", 4},
      {"ppo.max_tokens", 24},
      {"ppo.temperature", 0.7},
      {"ppo.missing_end", 1},
      {"ppo.clip", 0.2},
      {"ppo.value_clip", 0.2},
      {"ppo.beta", 0.15},
      {"ppo.kl_target", 6},
      {"ppo.kl_horizon", 10000},
      {"ppo.gamma", 1},
      {"ppo.lambda", 0.95},
      {"ppo.whiten_rewards", 1},
      {"train.steps", 1000000 / 512},
      {"optimizer.lr", 1e-5},
      {"optimizer.min_lr", 0},
      {"optimizer.eps", 1e-5}},
     {{"optimizer.schedule", "linear"}, {"optimizer.eps_form", "tensorflow"}}},
    {"llama2-sft",
     Stage::sft,
     {{"sft.epochs", 2},
      {"train.batch", 64},
      {"optimizer.lr", 2e-5},
      {"optimizer.min_lr", 2e-6},
      {"optimizer.warmup", 0},
      {"optimizer.weight_decay", 0.1}},
     {{"optimizer.schedule", "cosine"}}},
    {"llama2-reward",
     Stage::reward,
     {{"reward.epochs", 1},
      {"train.batch", 512},
      {"optimizer.lr", 1e-5},
      {"optimizer.min_lr", 1e-6},
      {"optimizer.warmup", 0.03}},
     {{"reward.loss", "pairs"}, {"optimizer.schedule", "cosine"}}},
    {"llama2-ppo",
     Stage::ppo,
     {{"ppo.batch", 512},
      {"ppo.minibatches", 8},
      {"ppo.epochs", 1},
      {"ppo.clip", 0.2},
      {"ppo.beta", 0.01},
      {"train.steps", 400},
      {"optimizer.lr", 1e-6},
      {"optimizer.warmup", 0},
      {"optimizer.beta1", 0.9},
      {"optimizer.beta2", 0.95},
      {"optimizer.eps", 1e-5},
      {"optimizer.weight_decay", 0.1},
      {"optimizer.clip", 1}},
     {{"optimizer.schedule", "constant"}}},
    {"dapo",
     Stage::grpo,
     {{"grpo.batch", 512 * 16},
      {"grpo.group", 16},
      {"grpo.minibatches", 16},
      {"grpo.epochs", 1},
      {"grpo.max_tokens", 20480},
      {"grpo.temperature", 1},
      {"grpo.clip_low", 0.2},
      {"grpo.clip_high", 0.28},
      {"grpo.beta", 0},
      {"grpo.missing_end", 0},
      {"grpo.dynamic_sampling", 1},
      {"grpo.max_rounds", 10},
      {"grpo.overlong", 4096},
      {"optimizer.lr", 1e-6},
      {"optimizer.warmup", 20},
      {"optimizer.weight_decay", 0.1},
      {"optimizer.clip", 1}},
     {{"grpo.advantage", "grpo"},
      {"grpo.objective", "ppo"},
      {"grpo.normaliser", "dapo"},
      {"optimizer.schedule", "constant"}}},
    {"dr-grpo",
     Stage::grpo,
     {{"grpo.batch", 128 * 8},
      {"grpo.group", 8},
      {"grpo.minibatches", 8},
      {"grpo.epochs", 1},
      {"grpo.max_tokens", 3000},
      {"grpo.temperature", 1},
      {"grpo.clip_low", 0.2},
      {"grpo.clip_high", 0.2},
      {"grpo.beta", 0},
      {"grpo.missing_end", 0},
      {"optimizer.lr", 1e-6},
      {"optimizer.warmup", 0}},
     {{"grpo.advantage", "dr_grpo"},
      {"grpo.objective", "ppo"},
      {"grpo.normaliser", "dr_grpo"},
      {"optimizer.schedule", "constant"}}},
    {"rloo",
     Stage::grpo,
     {{"grpo.batch", 512},
      {"grpo.group", 4},
      {"grpo.minibatches", 1},
      {"grpo.epochs", 1},
      {"grpo.temperature", 1},
      {"grpo.beta", 0.03},
      {"optimizer.lr", 1e-6},
      {"optimizer.warmup", 0}},
     {{"grpo.advantage", "rloo"},
      {"grpo.objective", "reinforce"},
      {"grpo.normaliser", "sequence"},
      {"grpo.kl", "k2"},
      {"optimizer.schedule", "constant"}}},
};

double number_of(const DeclaredSetting& s) {
    if (const auto* x = std::get_if<double*>(&s.field)) return **x;
    if (const auto* n = std::get_if<int64_t*>(&s.field)) return double(**n);
    return *std::get<bool*>(s.field) ? 1 : 0;
}

}  // namespace

TEST_CASE("every preset is found by its name, and sets the published values and no others") {
    for (const Preset& p : presets) {
        INFO(p.name);
        Config config = load_recipe(p.name, {}, p.stage);
        size_t known = 0;
        for (const DeclaredSetting& s : declared(config)) {
            if (!config.written_at.contains(s.key)) continue;
            INFO(s.key);
            ++known;
            if (const auto* word = std::get_if<std::string*>(&s.field)) REQUIRE(**word == p.words.at(s.key));
            else REQUIRE(number_of(s) == p.numbers.at(s.key));
        }
        REQUIRE(known == p.numbers.size() + p.words.size());
    }
}

TEST_CASE("every included recipe of alignment is one of the presets or of the quickstart's model") {
    const std::vector<std::string> of_its_model = {"chat-sft", "prefs-reward"};  // docs/bench/align.md
    const std::vector<std::string> names = recipe_names();
    for (const Preset& p : presets) REQUIRE(std::count(names.begin(), names.end(), std::string(p.name)) == 1);
    size_t others = 0;
    for (const std::string& name : names) {
        const fs::path file = find_recipe(name).file;
        if (file.parent_path().filename() != "align") continue;
        others += !name.starts_with("quickstart-") && std::count(of_its_model.begin(), of_its_model.end(), name) == 0;
    }
    REQUIRE(others == presets.size());
}

TEST_CASE("whole batches are whole groups and whole minibatches in every preset of rollouts") {
    for (const Preset& p : presets) {
        if (p.stage != Stage::ppo && p.stage != Stage::grpo) continue;
        INFO(p.name);
        const Config c = load_recipe(p.name, {}, p.stage);
        const int64_t batch = c.rollouts().batch;
        REQUIRE(batch % (p.stage == Stage::ppo ? c.ppo.minibatches : c.grpo.minibatches) == 0);
        if (p.stage == Stage::grpo) REQUIRE(batch % c.grpo.group == 0);
    }
}
