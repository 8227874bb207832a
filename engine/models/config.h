#pragma once
// A model's architecture: its sizes and the variant of each layer. It has everything that Hugging Face's config.json
// has for a GPT-2 or a LLaMA.
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/activation.h"

namespace gradus {

enum class Norm { layer, rms };
enum class Position { learned, rotary };

struct NormConfig {
    Norm kind = Norm::layer;
    double eps = 1e-5;
    bool operator==(const NormConfig&) const = default;
};

// LLaMA 3.1's rescaling of the low rotary frequencies; factor 1: none (engine/layers/rope.h).
struct RopeScaling {
    double factor = 1, low_frequency_factor = 1, high_frequency_factor = 4;
    int original_context = 8192;
    bool operator==(const RopeScaling&) const = default;
};

// For rotary positions; unused with learned ones.
struct RopeConfig {
    double theta = 10000;
    RopeScaling scaling;
    bool operator==(const RopeConfig&) const = default;
};

// Its sizes must be given; all else is as in GPT-2.
struct ModelConfig {
    std::string family = "gpt2";  // engine/models/family.h
    int L = 0;                    // layers
    int C = 0;                    // width of the residual stream
    int H = 0, G = 0;             // query heads, key/value heads
    int D = 0;                    // width of a head
    int F = 0;                    // width of the feed-forward layer
    int V = 0;                    // vocabulary
    int context = 0;              // largest number of positions

    NormConfig norm;
    Position position = Position::learned;
    RopeConfig rope;
    Activation activation = Activation::gelu_tanh;
    bool gated = false;  // feed-forward: f(gate)·up instead of f(up)
    bool bias = true;    // in linear layers and norms
    bool tied = true;    // the head shares the token embedding
    double init_std = 0.02;
    int end_of_text = -1;  // id that ends a document; −1: none

    bool operator==(const ModelConfig&) const = default;

    // visit(name, value) for every field, with readable names.
    template <class Visit>
    void each(Visit&& visit) const {
        visit("family", family);
        visit("layers", L);
        visit("width", C);
        visit("heads", H);
        visit("key/value heads", G);
        visit("head width", D);
        visit("feed-forward width", F);
        visit("vocabulary", V);
        visit("context", context);
        visit("norm", norm.kind);
        visit("norm eps", norm.eps);
        visit("positions", position);
        visit("rope theta", rope.theta);
        visit("rope scaling factor", rope.scaling.factor);
        visit("rope low-frequency factor", rope.scaling.low_frequency_factor);
        visit("rope high-frequency factor", rope.scaling.high_frequency_factor);
        visit("rope original context", rope.scaling.original_context);
        visit("activation", activation);
        visit("gated feed-forward", gated);
        visit("biases", bias);
        visit("tied head", tied);
        visit("initialization std", init_std);
        visit("end-of-text id", end_of_text);
    }
};

// The named shapes of all families, such as gpt2-124m. Error with a suggestion otherwise.
ModelConfig named_model(const std::string& name);

// Error if the sizes are inconsistent (heads that do not divide, an odd head width with rotary positions, …); `where`
// is the file or the setting that they come from.
void validate(const ModelConfig&, const std::string& where);

// Error if config.json cannot describe this model, which could then be trained but not saved.
void require_describable(const ModelConfig&);

const char* name_of(Activation);

// The differences of two models, one line each: "layers 12 instead of 24". Ignores init_std, which only training uses.
std::vector<std::string> differences(const ModelConfig& found, const ModelConfig& expected);

}  // namespace gradus
