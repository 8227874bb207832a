#pragma once
// Derives everything else from the settings of pre-training.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/config.h"
#include "engine/mesh.h"
#include "engine/models/model.h"
#include "engine/trainer.h"

namespace gradus {

// A duration in steps; below 1 it is that share of all steps.
int64_t in_steps(double duration, int64_t steps);

// The checks of resolve() that need only the settings: the run has a folder, and data and model have one source each.
// Called before data and model are opened.
void check_sources(const Config&);

// The properties of the data that resolve() needs.
struct DataFacts {
    int vocab = 0, end_of_text = -1;
    std::string identity;     // a hash of all bytes of the data set
    std::string former;       // a hash of fewer bytes, from older checkpoints
    int longest_prompt = -1;  // of sample.prompts, in tokens; -1: not counted
    bool validates = true;    // there is validation data
};

struct Resolved {
    // Complete, as echoed and saved, except settings whose automatic value depends on the machine: train.micro_batch,
    // train.memory and mesh.dp stay 0.
    Config config;
    ModelConfig model;
    DType dtype = DType::f32;
    bool cuda = false, masked = true;
    BatchShape shape;  // of a model to train
    Mode mode;
    MeshSizes mesh;
    TrainerConfig trainer;
    int64_t tokens_per_step = 0;
    std::string identity;            // what a resumed run must not change (engine/resolve/same_run.h)
    std::vector<std::string> notes;  // about settings that have no effect or are changed automatically
};

// `base` is the model of model.from or of the checkpoint to resume; `ranks` is the number of processes. Error if
// settings contradict each other or the number of ranks. The steps are in engine/resolve/, one file each.
Resolved resolve(const Config&, const DataFacts&, const std::optional<ModelConfig>& base, int ranks = 1);

}  // namespace gradus
