#pragma once
// The settings of a training run, of whatever stage.
//
// Each section is declared in its file under engine/settings/: fields, defaults, limits, help. engine/resolve.h derives
// everything else from the settings.
//
// Numbers are whole unless they say otherwise; 0 means "chosen for you" where the help says so. A duration in steps
// (warm-up, cool-down) below 1 is that share of all steps.
#include <string>
#include <vector>

#include "engine/base/settings.h"
#include "engine/settings/checkpoint.h"
#include "engine/settings/data.h"
#include "engine/settings/judged.h"
#include "engine/settings/loss.h"
#include "engine/settings/mesh.h"
#include "engine/settings/model.h"
#include "engine/settings/optimizer.h"
#include "engine/settings/policy.h"
#include "engine/settings/run.h"
#include "engine/settings/sample.h"
#include "engine/settings/sft.h"
#include "engine/settings/stability.h"
#include "engine/settings/stage.h"
#include "engine/settings/train.h"
#include "engine/settings/validation.h"

namespace gradus {

struct Config {
    // With the defaults of the stage, which says which sections there are.
    Config() : Config(Stage::pretrain) {}
    explicit Config(Stage);

    Stage stage;
    RunSettings run;
    ModelSettings model;
    DataSettings data;
    TrainSettings train;
    MeshSettings mesh;
    OptimizerSettings optimizer;
    StabilitySettings stability;
    LossSettings loss;
    ValidationSettings validation;
    CheckpointSettings checkpoint;
    SampleSettings sample;
    // Of the stages after pre-training.
    SftSettings sft;
    RewardSettings reward;
    DpoSettings dpo;
    PpoSettings ppo;
    GrpoSettings grpo;

    // What the stage's section has of these.
    const ExampleSettings& examples() const;  // of sft, reward and dpo
    const RolloutSettings& rollouts() const;  // of ppo and grpo

    // The location of each setting that was written, "recipe.toml:3:1"; absent: the default.
    WrittenAt written_at;

    const char* help_command;

    template <class Visit>
    void each_section(Visit&& visit) {
        visit(run), visit(model);
        if (stage == Stage::sft) visit(sft);
        if (stage == Stage::reward) visit(reward);
        if (stage == Stage::dpo) visit(dpo);
        if (stage == Stage::ppo) visit(ppo);
        if (stage == Stage::grpo) visit(grpo);
        if (stage == Stage::pretrain || stage == Stage::sft || stage == Stage::ppo) visit(data);
        visit(train), visit(mesh), visit(optimizer), visit(stability);
        if (stage == Stage::pretrain || stage == Stage::sft) visit(loss);
        visit(validation), visit(checkpoint);
        if (stage == Stage::pretrain || stage == Stage::sft) visit(sample);
    }
};

inline Config defaults_of(const Config& c) { return Config(c.stage); }
// The stage that the settings are of: that of the first key in a section that only one stage has; of pre-training if there is none.
Stage stage_of(const std::vector<Setting>&);

// The keys of all stages.
std::vector<std::string> all_setting_names();

// For engine/base/settings.h.
std::vector<DeclaredSetting> declared(Config&);

// A recipe file, then the `key=value` assignments of the command line.
Config load_config(const fs::path& recipe, const std::vector<std::string>& assignments, Stage stage = Stage::pretrain);

}  // namespace gradus
