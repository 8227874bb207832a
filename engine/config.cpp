#include "engine/config.h"

#include <algorithm>

#include "engine/base/error.h"

namespace gradus {

// Learning rates of models of a few hundred million parameters (InstructGPT, Llama 2, TRL): far below those of pre-training, and
// without weight decay.
Config::Config(Stage s) : stage(s), help_command(of_stage(s).help_settings) {
    if (s == Stage::pretrain) return;
    sft.epochs = 3;
    optimizer.lr = s == Stage::sft ? 2e-5 : 1e-5;
    optimizer.min_lr = s == Stage::sft ? 2e-6 : 0;
    optimizer.schedule = s == Stage::sft ? "cosine" : "linear";
    optimizer.warmup = 0.03;
    optimizer.weight_decay = 0;
    train.batch = 32;
    if (s == Stage::ppo || s == Stage::grpo) {
        optimizer.eps = 1e-5;
        optimizer.warmup = 0;
        stability.sigma = 0;  // a policy loss is near 0 and either way
        checkpoint.every = validation.every = 20;
        train.steps = 100;
    }
}

const ExampleSettings& Config::examples() const {
    if (stage == Stage::sft) return sft;
    if (stage == Stage::reward) return reward;
    CHECK(stage == Stage::dpo, "this stage has no examples");
    return dpo;
}

const RolloutSettings& Config::rollouts() const {
    if (stage == Stage::ppo) return ppo;
    CHECK(stage == Stage::grpo, "this stage has no rollouts");
    return grpo;
}

std::vector<DeclaredSetting> declared(Config& config) { return collect_settings(config); }

Stage stage_of(const std::vector<Setting>& settings) {
    for (const Setting& s : settings)
        for (const StageName& stage : stages)
            if (s.key.starts_with(std::string(stage.name) + ".")) return stage.stage;
    return Stage::pretrain;
}

std::vector<std::string> all_setting_names() {
    std::vector<std::string> all;
    for (const StageName& s : stages)
        for (const std::string& name : setting_names(Config(s.stage)))
            if (std::count(all.begin(), all.end(), name) == 0) all.push_back(name);
    return all;
}

Config load_config(const fs::path& recipe, const std::vector<std::string>& assignments, Stage stage) {
    Config config(stage);
    apply_settings(config, read_settings(recipe));
    for (const std::string& a : assignments) apply_settings(config, {parse_assignment(a)});
    return config;
}

}  // namespace gradus
