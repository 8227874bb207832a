// What two models differ in, and whether config.json can say what a model is.
#include <nlohmann/json.hpp>

#include "engine/models/family.h"

namespace gradus {

namespace {

const char* name_of(Family f) { return f == Family::gpt2 ? "gpt2" : "llama"; }
const char* name_of(Norm n) { return n == Norm::layer ? "layer norm" : "RMS norm"; }
const char* name_of(Position p) { return p == Position::learned ? "learned" : "rotary"; }

std::string said(int n) { return std::to_string(n); }
std::string said(double x) { return nlohmann::json(x).dump(); }
std::string said(bool b) { return b ? "yes" : "no"; }
std::string said(const char* text) { return text; }

}  // namespace

const char* name_of(Activation a) {
    switch (a) {
        case Activation::gelu_tanh: return "gelu_tanh";
        case Activation::gelu_erf: return "gelu_erf";
        case Activation::silu: return "silu";
        case Activation::relu: return "relu";
    }
    return "";
}

std::vector<std::string> differences(const ModelConfig& there, const ModelConfig& expected) {
    std::vector<std::string> all;
    auto compare = [&](const std::string& what, auto a, auto b) {
        if (said(a) != said(b)) all.push_back(what + " " + said(a) + " instead of " + said(b));
    };
    compare("family", name_of(there.family), name_of(expected.family));
    compare("layers", there.L, expected.L);
    compare("width", there.C, expected.C);
    compare("heads", there.H, expected.H);
    compare("key/value heads", there.G, expected.G);
    compare("head width", there.D, expected.D);
    compare("feed-forward width", there.F, expected.F);
    compare("vocabulary", there.V, expected.V);
    compare("context", there.context, expected.context);
    compare("norm", name_of(there.norm), name_of(expected.norm));
    compare("norm eps", there.norm_eps, expected.norm_eps);
    compare("positions", name_of(there.position), name_of(expected.position));
    if (there.position == Position::rotary || expected.position == Position::rotary) {
        compare("rope theta", there.rope_theta, expected.rope_theta);
        compare("rope scaling factor", there.rope_scaling.factor, expected.rope_scaling.factor);
        if (there.rope_scaling.factor != 1 && expected.rope_scaling.factor != 1) {
            compare("rope low-frequency factor", there.rope_scaling.low_frequency_factor,
                    expected.rope_scaling.low_frequency_factor);
            compare("rope high-frequency factor", there.rope_scaling.high_frequency_factor,
                    expected.rope_scaling.high_frequency_factor);
            compare("rope original context", there.rope_scaling.original_context,
                    expected.rope_scaling.original_context);
        }
    }
    compare("activation", name_of(there.activation), name_of(expected.activation));
    compare("gated feed-forward", there.gated, expected.gated);
    compare("biases", there.bias, expected.bias);
    compare("tied head", there.tied, expected.tied);
    compare("end-of-text id", there.end_of_text, expected.end_of_text);
    return all;
}

void require_describable(const ModelConfig& m) {
    const FamilyFiles& family = files_of(m.family);
    const std::vector<std::string> lost =
        differences(family.read_config(family.write_config(m, "float32"), "config.json"), m);
    if (!lost.empty())
        throw Error("this model has no form that Hugging Face transformers knows",
                    "its config.json would say " + lost.front(), "use the settings of a published GPT-2 or LLaMA");
}

}  // namespace gradus
