#pragma once
// The settings of pre-training.
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
#include "engine/settings/loss.h"
#include "engine/settings/mesh.h"
#include "engine/settings/model.h"
#include "engine/settings/optimizer.h"
#include "engine/settings/run.h"
#include "engine/settings/sample.h"
#include "engine/settings/stability.h"
#include "engine/settings/train.h"
#include "engine/settings/validation.h"

namespace gradus {

struct Config {
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

    // The location of each setting that was written, "recipe.toml:3:1"; absent: the default.
    WrittenAt written_at;

    static constexpr const char* help_command = "gradus pretrain --help-settings";

    template <class Visit>
    void each_section(Visit&& visit) {
        visit(run), visit(model), visit(data), visit(train), visit(mesh), visit(optimizer), visit(stability),
            visit(loss);
        visit(validation), visit(checkpoint), visit(sample);
    }
};

// For engine/base/settings.h.
std::vector<DeclaredSetting> declared(Config&);

// A recipe file, then the `key=value` assignments of the command line.
Config load_config(const fs::path& recipe, const std::vector<std::string>& assignments);

}  // namespace gradus
