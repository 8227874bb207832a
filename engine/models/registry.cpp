// The families there are, the shapes that have a name, and what every shape must satisfy.
#include <optional>

#include <nlohmann/json.hpp>

#include "engine/base/one_line.h"
#include "engine/base/suggest.h"
#include "engine/models/files.h"
#include "engine/models/model.h"

namespace gradus {

const FamilyFiles& files_of(Family family) { return family == Family::gpt2 ? gpt2_files() : llama_files(); }

Family family_of(const nlohmann::json& config, const std::string& file) {
    const std::string type = ConfigReader(config, file).text_or("model_type", "");
    if (type == "gpt2") return Family::gpt2;
    if (type == "llama") return Family::llama;
    throw Error("'" + file + "' describes a model of type '" + on_one_line(type, 60) + "'",
                "model_type must be gpt2 or llama", "choose a GPT-2 or LLaMA model");
}

namespace {

ModelConfig gpt2(int L, int C, int H) {
    ModelConfig m;
    m.L = L;
    m.C = C;
    m.H = m.G = H;
    m.D = C / H;
    m.F = 4 * C;
    m.end_of_text = 50256;
    return m;
}

ModelConfig llama(int L, int C, int H, int G, int F, int V, int context, bool tied) {
    ModelConfig m;
    m.family = Family::llama;
    m.norm = Norm::rms;
    m.position = Position::rotary;
    m.rope_theta = 500000;
    m.activation = Activation::silu;
    m.gated = true;
    m.bias = false;
    m.L = L;
    m.C = C;
    m.H = H;
    m.G = G;
    m.D = C / H;
    m.F = F;
    m.V = V;
    m.context = context;
    m.tied = tied;
    return m;
}

struct Named {
    const char* name;
    ModelConfig config;
};

const std::vector<Named>& named_models() {
    static const std::vector<Named> all = {
        {"gpt2-124m", gpt2(12, 768, 12)},
        {"gpt2-355m", gpt2(24, 1024, 16)},
        {"gpt2-774m", gpt2(36, 1280, 20)},
        {"gpt2-1558m", gpt2(48, 1600, 25)},
        {"llama-1b", llama(16, 2048, 32, 8, 8192, 128256, 8192, true)},
        {"llama-8b", llama(32, 4096, 32, 8, 14336, 128256, 8192, false)},
    };
    return all;
}

}  // namespace

ModelConfig named_model(const std::string& name) {
    std::vector<std::string> names;
    for (const Named& known : named_models()) {
        if (name == known.name) return known.config;
        names.push_back(known.name);
    }
    constexpr Synonym elsewhere[] = {
        {"gpt2", "gpt2-124m"},       {"gpt2_small", "gpt2-124m"}, {"gpt2_medium", "gpt2-355m"},
        {"gpt2_large", "gpt2-774m"}, {"gpt2_xl", "gpt2-1558m"},   {"gpt2_1.5b", "gpt2-1558m"},
        {"gpt2_1.6b", "gpt2-1558m"}, {"gpt2_350m", "gpt2-355m"},  {"llama_3.2_1b", "llama-1b"},
        {"llama3_8b", "llama-8b"},   {"llama_3_8b", "llama-8b"},  {"llama_3.1_8b", "llama-8b"}};
    std::string near = name_by_synonym(name, elsewhere);
    if (near.empty()) near = nearest_name(name, names);
    std::string list;
    for (const std::string& n : names) list += (list.empty() ? "" : ", ") + n;
    throw Error("there is no model named '" + name + "'", "the names are " + list,
                near.empty() ? "use one of them" : "did you mean '" + near + "'?");
}

void validate(const ModelConfig& m, const std::string& where) {
    auto refuse = [&](const std::string& what, const std::string& why, const std::string& fix) {
        throw Error(what, where + ": " + why, fix);
    };
    auto text = [](int n) { return std::to_string(n); };
    struct Size {
        const char* name;
        int value, most;
    };
    for (const Size& s : {Size{"layers", m.L, 10000},
                          {"width", m.C, 1 << 20},
                          {"heads", m.H, 1 << 16},
                          {"key/value heads", m.G, 1 << 16},
                          {"head width", m.D, 1 << 16},
                          {"feed-forward width", m.F, 1 << 22},
                          {"vocabulary", m.V, 1 << 24},
                          {"context", m.context, 1 << 24}})
        if (s.value < 1 || s.value > s.most)
            refuse(std::string("a model cannot have ") + s.name + " = " + text(s.value),
                   std::string(s.name) + " must be between 1 and " + text(s.most), "give it a value in that range");
    if (int64_t(m.H + 2 * m.G) * m.D > 1 << 24)
        refuse(text(m.H) + " heads of width " + text(m.D) + " are too wide",
               "all heads together may have 2^24 channels", "choose fewer or narrower heads");
    if (!(m.norm_eps >= 0 && m.norm_eps <= 1) || !(m.rope_theta > 0 && m.rope_theta < 1e15) ||
        !(m.rope_scaling.factor > 0))
        refuse("the model has an impossible constant",
               "norm_eps, rope_theta and the rope factor must be positive numbers", "give it a positive number");
    if (m.family == Family::gpt2 && m.G != m.H)
        refuse(text(m.G) + " key/value heads are not the " + text(m.H) + " heads of a GPT-2",
               "a GPT-2 has a key and a value for each head", "leave out model.kv_heads, or --set model.family=llama");
    if (m.H % m.G != 0)
        refuse(
            text(m.G) + " key/value heads do not divide " + text(m.H) + " heads",
            "each key/value head serves an equal number of heads",
            "choose a number of key/value heads that divides the heads, such as " + text(m.H % 2 == 0 ? m.H / 2 : 1));
    if (m.family == Family::gpt2 && m.H * m.D != m.C && m.C % m.H == 0)
        refuse(text(m.H) + " heads of width " + text(m.D) + " do not make up the width " + text(m.C),
               "a GPT-2's heads are width / heads wide",
               "leave out model.head_width, or write " + text(m.C / m.H) + "; or --set model.family=llama");
    if (m.family == Family::gpt2 && m.H * m.D != m.C)
        refuse(text(m.H) + " heads do not divide the width " + text(m.C), "a head is width / heads wide",
               "choose a width that is a multiple of " + text(m.H) + ", such as " + text((m.C + m.H - 1) / m.H * m.H));
    if (m.position == Position::rotary && m.D % 2 != 0)
        refuse("the head width " + text(m.D) + " is odd", "rotary positions rotate pairs of channels",
               "choose an even head width, such as " + text(m.D + 1));
    if (m.end_of_text >= m.V)
        refuse("the end-of-text id " + text(m.end_of_text) + " is outside a vocabulary of " + text(m.V),
               "ids run from 0 to " + text(m.V - 1), "use the tokenizer that belongs to this model");
}

namespace {

struct Unshared {
    std::string what, why;
};

// What `tp` ranks cannot share out.
std::optional<Unshared> unshared(const ModelConfig& m, int rows, int tp) {
    auto text = [](int64_t n) { return std::to_string(n); };
    if (m.H % tp != 0)
        return Unshared{text(m.H) + " heads",
                        "each rank has as many heads, and the width " + text(m.C) + " is theirs together"};
    if (m.G % tp != 0 && tp % m.G != 0)
        return Unshared{text(m.G) + " key/value heads",
                        "each rank has as many of them, or each of them is on as many ranks"};
    if (m.F % tp != 0) return Unshared{"a feed-forward width of " + text(m.F), "each rank has as many of its channels"};
    const int64_t share = (m.V + tp - 1) / tp;
    if (share * (tp - 1) >= m.V) return Unshared{"a vocabulary of " + text(m.V), "the last rank would have none of it"};
    if (rows % tp != 0)
        return Unshared{"the " + text(rows) + " rows of a micro-batch",
                        "between the matrices each rank works on as many rows"};
    return std::nullopt;
}

}  // namespace

void require_divisible(const ModelConfig& m, int rows, int tp) {
    const auto lacking = unshared(m, rows, tp);
    if (!lacking) return;
    int fewer = tp - 1;
    while (unshared(m, rows, fewer)) --fewer;
    throw Error(std::to_string(tp) + " ranks cannot share out " + lacking->what,
                "mesh.tp = " + std::to_string(tp) + ": " + lacking->why, "--set mesh.tp=" + std::to_string(fewer));
}

}  // namespace gradus
