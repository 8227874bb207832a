#pragma once
// Everything that follows from the settings of pre-training, derived once.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/config.h"
#include "engine/mesh.h"
#include "engine/models/model.h"
#include "engine/trainer.h"

namespace gradus {

// A duration of the settings: below 1 it is that share of the steps.
int64_t in_steps(double duration, int64_t steps);

// The part of resolve() that looks at nothing but the settings: the run has a folder, the data and the model one source
// each. For whoever opens those first.
void check_sources(const Config&);

// What resolve() must know of the data.
struct DataFacts {
    int vocab = 0, end_of_text = -1;
    std::string identity;     // tells one data set from another, by every byte
    std::string former;       // the identity by fewer bytes that older checkpoints have
    int longest_prompt = -1;  // of sample.prompts, in tokens; -1: nobody has counted
    bool validates = true;    // there is text to validate on
};

struct Resolved {
    // With every "chosen for you" filled in that does not depend on the machine: what is echoed and kept. What does stays
    // open: train.micro_batch, train.memory, mesh.dp.
    Config config;
    ModelConfig model;
    DType dtype = DType::f32;
    bool cuda = false, masked = true;
    BatchShape shape;  // of a model to train
    Mode mode;
    MeshSizes mesh;
    TrainerConfig trainer;
    int64_t tokens_per_step = 0;
    std::string identity;  // what a resumed run must share with the run that it continues (engine/same_run.h)
    std::vector<std::string>
        notes;  // settings that are not used as they were written, or follow from others unexpectedly
};

// `base` is the model of model.from, or of the checkpoint that is resumed; `ranks` is how many were started. Error where
// settings do not go together, or do not fit the ranks.
Resolved resolve(const Config&, const DataFacts&, const std::optional<ModelConfig>& base, int ranks = 1);

}  // namespace gradus
