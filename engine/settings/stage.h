#pragma once
// The stages of a model's training. Each is a command, with settings of its own beside those that all stages share.
#include <array>

namespace gradus {

enum class Stage { pretrain, sft, reward, dpo, ppo, grpo };

struct StageName {
    Stage stage;
    const char* name;  // of its command
    const char* help_settings;
};
inline constexpr std::array stages = {
    StageName{Stage::pretrain, "pretrain", "gradus pretrain --help-settings"},
    StageName{Stage::sft, "sft", "gradus sft --help-settings"},
    StageName{Stage::reward, "reward", "gradus reward --help-settings"},
    StageName{Stage::dpo, "dpo", "gradus dpo --help-settings"},
    StageName{Stage::ppo, "ppo", "gradus ppo --help-settings"},
    StageName{Stage::grpo, "grpo", "gradus grpo --help-settings"},
};
constexpr const StageName& of_stage(Stage s) { return stages[static_cast<unsigned>(s)]; }

}  // namespace gradus
