#pragma once
// What a model is: sizes and the mathematics chosen in each place. Everything that a config.json of Hugging Face says
// of a GPT-2 or a LLaMA fits in here.
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/activation.h"

namespace gradus {

enum class Family { gpt2, llama };
enum class Norm { layer, rms };
enum class Position { learned, rotary };

// LLaMA 3.1's rescaling of the low rotary frequencies; factor 1 is none (engine/layers/rope.h).
struct RopeScaling {
    double factor = 1, low_frequency_factor = 1, high_frequency_factor = 4;
    int original_context = 8192;
    bool operator==(const RopeScaling&) const = default;
};

struct ModelConfig {
    Family family = Family::gpt2;
    int L = 12;          // layers
    int C = 768;         // width of the residual stream
    int H = 12, G = 12;  // query heads, key/value heads
    int D = 64;          // width of a head
    int F = 3072;        // width of the feed-forward layer
    int V = 50257;       // vocabulary
    int context = 1024;  // positions the model was made for

    Norm norm = Norm::layer;
    double norm_eps = 1e-5;
    Position position = Position::learned;
    double rope_theta = 10000;
    RopeScaling rope_scaling;
    Activation activation = Activation::gelu_tanh;
    bool gated = false;  // feed-forward: f(gate)·up instead of f(up)
    bool bias = true;    // of linears and norms
    bool tied = true;    // the head is the token embedding
    double init_std = 0.02;
    int end_of_text = -1;  // id that ends a document; −1: none

    bool operator==(const ModelConfig&) const = default;
};

// The named shapes: gpt2-124m, gpt2-355m, gpt2-774m, gpt2-1558m, llama-1b, llama-8b. Error with a
// suggestion otherwise.
ModelConfig named_model(const std::string& name);

// Error where the sizes do not fit together (heads that do not divide, odd head width under rotary positions, …);
// `where` says which file or setting they came from.
void validate(const ModelConfig&, const std::string& where);

// Error where config.json would not say what this model computes, so that it could be trained but not saved.
void require_describable(const ModelConfig&);

const char* name_of(Activation);

// What two models differ in, one line each: "layers 12 instead of 24". What training alone uses does not count.
std::vector<std::string> differences(const ModelConfig& there, const ModelConfig& expected);

}  // namespace gradus
