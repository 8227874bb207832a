// The differences of two models, and whether config.json can describe a model.
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/models/family.h"

namespace gradus {

namespace {

std::string text_of(int n) { return std::to_string(n); }
std::string text_of(double x) { return nlohmann::json(x).dump(); }
std::string text_of(bool b) { return b ? "yes" : "no"; }
std::string text_of(const std::string& text) { return text; }
std::string text_of(Norm n) { return n == Norm::layer ? "layer norm" : "RMS norm"; }
std::string text_of(Position p) { return p == Position::learned ? "learned" : "rotary"; }
std::string text_of(Activation a) { return name_of(a); }

struct Field {
    std::string name, text;
};

std::vector<Field> fields_of(const ModelConfig& m) {
    std::vector<Field> all;
    m.each([&](const char* name, const auto& value) { all.push_back({name, text_of(value)}); });
    return all;
}

// Whether a field changes what either model computes.
bool matters(const std::string& name, const ModelConfig& a, const ModelConfig& b) {
    if (name == "initialization std") return false;
    if (!name.starts_with("rope")) return true;
    if (a.position != Position::rotary && b.position != Position::rotary) return false;
    const bool both_scaled = a.rope.scaling.factor != 1 && b.rope.scaling.factor != 1;
    return name == "rope theta" || name == "rope scaling factor" || both_scaled;
}

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

std::vector<std::string> differences(const ModelConfig& found, const ModelConfig& expected) {
    const std::vector<Field> a = fields_of(found), b = fields_of(expected);
    std::vector<std::string> all;
    for (size_t i = 0; i < a.size(); ++i)
        if (a[i].text != b[i].text && matters(a[i].name, found, expected))
            all.push_back(a[i].name + " " + a[i].text + " instead of " + b[i].text);
    return all;
}

void require_describable(const ModelConfig& m) {
    const Family& family = family_named(m.family);
    const std::vector<std::string> lost =
        differences(family.read_config(family.write_config(m, "float32"), "config.json"), m);
    if (!lost.empty())
        throw Error("Hugging Face transformers does not support this model",
                    "its config.json would say " + lost.front(),
                    "use the settings of a published " + titles_of_families());
}

}  // namespace gradus
