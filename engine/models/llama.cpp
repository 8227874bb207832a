// LLaMA in Hugging Face's format: RMSNorm, rotary positions (half split), SwiGLU, grouped key/value heads, no biases.
// Sources: Touvron et al. 2023; Grattafiori et al. 2024 (rope scaling); transformers' LlamaConfig.
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/models/config.h"
#include "engine/models/config_reader.h"
#include "engine/models/family.h"

namespace gradus {

namespace {

ModelConfig llama_defaults() {
    ModelConfig m;
    m.family = "llama";
    m.norm.kind = Norm::rms;
    m.position = Position::rotary;
    m.activation = Activation::silu;
    m.gated = true;
    m.bias = m.tied = false;
    return m;
}

struct LlamaSizes {
    int L, C, H, G, F, V, context;
    bool tied;
};

// The shapes of LLaMA 3.
ModelConfig llama_shape(const LlamaSizes& s) {
    ModelConfig m = llama_defaults();
    m.L = s.L;
    m.C = s.C;
    m.H = s.H;
    m.G = s.G;
    m.D = s.C / s.H;
    m.F = s.F;
    m.V = s.V;
    m.context = s.context;
    m.tied = s.tied;
    m.rope.theta = 500000;
    return m;
}

// transformers 4 writes rope_theta and rope_scaling; transformers 5 writes both in rope_parameters.
void read_rope(const ConfigReader& read, ModelConfig& m) {
    m.rope.theta = read.number_or("rope_theta", 10000);
    for (const char* key : {"rope_scaling", "rope_parameters"}) {
        if (!read.has(key)) continue;
        const ConfigReader rope = read.object(key);
        m.rope.theta = rope.number_or("rope_theta", m.rope.theta);
        const std::string type = rope.text_or("rope_type", rope.text_or("type", "default"));
        if (type == "default") continue;
        if (type != "llama3")
            rope.require(rope.has("rope_type") ? "rope_type" : "type", {"llama3", "default"}, "default");
        m.rope.scaling = {rope.number("factor"), rope.number("low_freq_factor"), rope.number("high_freq_factor"),
                          rope.integer("original_max_position_embeddings")};
    }
}

ModelConfig read_llama_config(const nlohmann::json& j, const std::string& file) {
    const ConfigReader read(j, file);
    ModelConfig m = llama_defaults();
    m.L = read.integer("num_hidden_layers");
    m.C = read.integer("hidden_size");
    m.H = read.integer("num_attention_heads");
    m.G = read.integer_or("num_key_value_heads", m.H);
    m.D = read.integer_or("head_dim", m.H > 0 ? m.C / m.H : 0);
    m.F = read.integer("intermediate_size");
    m.V = read.integer("vocab_size");
    m.context = read.integer_or("max_position_embeddings", 2048);
    m.norm.eps = read.number_or("rms_norm_eps", 1e-6);
    m.init_std = read.number_hint("initializer_range", 0.02);
    m.tied = read.flag_or("tie_word_embeddings", false);
    m.end_of_text = read.id_hint("eos_token_id", m.V);
    read_rope(read, m);
    read.require("hidden_act", {"silu"}, "silu");
    read.require_flag("attention_bias", false);
    read.require_flag("mlp_bias", false);
    validate(m, file);
    return m;
}

nlohmann::json write_llama_config(const ModelConfig& m, const char* dtype) {
    nlohmann::json j = {{"architectures", {"LlamaForCausalLM"}},
                        {"model_type", "llama"},
                        {"num_hidden_layers", m.L},
                        {"hidden_size", m.C},
                        {"num_attention_heads", m.H},
                        {"num_key_value_heads", m.G},
                        {"head_dim", m.D},
                        {"intermediate_size", m.F},
                        {"vocab_size", m.V},
                        {"max_position_embeddings", m.context},
                        {"rms_norm_eps", m.norm.eps},
                        {"initializer_range", m.init_std},
                        {"hidden_act", "silu"},
                        {"attention_bias", false},
                        {"mlp_bias", false},
                        {"tie_word_embeddings", m.tied},
                        {"rope_theta", m.rope.theta},
                        {"torch_dtype", dtype}};
    const RopeScaling& s = m.rope.scaling;
    if (s.factor != 1)
        j["rope_scaling"] = {{"rope_type", "llama3"},
                             {"factor", s.factor},
                             {"low_freq_factor", s.low_frequency_factor},
                             {"high_freq_factor", s.high_frequency_factor},
                             {"original_max_position_embeddings", s.original_context}};
    if (m.end_of_text >= 0) j["bos_token_id"] = j["eos_token_id"] = m.end_of_text;
    else j["bos_token_id"] = j["eos_token_id"] = nullptr;
    return j;
}

std::vector<ExternalTensor> external_llama(const ModelConfig&, const std::string& name, const Spec& spec) {
    const int64_t rows = spec.shape.rank == 2 ? spec.shape.dim[0] : 1;
    auto one = [&](const std::string& there) { return std::vector<ExternalTensor>{{there, 0, rows, false}}; };
    auto stacked = [&](std::initializer_list<std::string> names) {
        std::vector<ExternalTensor> all;
        int64_t first = 0;
        size_t part = 0;
        for (const std::string& n : names) {
            all.push_back({n, first, spec.parts[part], false});
            first += spec.parts[part++];
        }
        return all;
    };
    if (name == "wte") return one("embed_tokens.weight");
    if (name == "norm.gain") return one("norm.weight");
    if (name == "head") return one(head_tensor);
    const auto [layer, rest] = split_block_name(name);
    const std::string h = "layers." + layer + ".";
    if (rest == "norm1.gain") return one(h + "input_layernorm.weight");
    if (rest == "norm2.gain") return one(h + "post_attention_layernorm.weight");
    if (rest == "attention.qkv_w")
        return stacked({h + "self_attn.q_proj.weight", h + "self_attn.k_proj.weight", h + "self_attn.v_proj.weight"});
    if (rest == "attention.out_w") return one(h + "self_attn.o_proj.weight");
    if (rest == "feed_forward.up_w") return stacked({h + "mlp.gate_proj.weight", h + "mlp.up_proj.weight"});
    if (rest == "feed_forward.down_w") return one(h + "mlp.down_proj.weight");
    check_failed("a name for every weight", __FILE__, __LINE__, name);
}

}  // namespace

const Family& llama_family() {
    static const Family family = {
        .name = "llama",
        .title = "LLaMA",
        .summary = "rotary positions, RMSNorm, SwiGLU",
        .other_names = {"llama2", "llama3", "mistral"},
        .defaults = llama_defaults(),
        .shapes = {{"llama-1b",
                    llama_shape(
                        {.L = 16, .C = 2048, .H = 32, .G = 8, .F = 8192, .V = 128256, .context = 8192, .tied = true}),
                    {"llama_3.2_1b"}},
                   {"llama-8b",
                    llama_shape(
                        {.L = 32, .C = 4096, .H = 32, .G = 8, .F = 14336, .V = 128256, .context = 8192, .tied = false}),
                    {"llama3_8b", "llama_3_8b", "llama_3.1_8b"}}},
        .activations = {Activation::silu},
        .feed_forward_width = [](int64_t width) { return (width * 8 / 3 + 63) / 64 * 64; },
        .feed_forward_text = "8/3 x width, up to a multiple of 64",
        .free_heads = true,
        .read_config = read_llama_config,
        .write_config = write_llama_config,
        .external = external_llama,
        .classifier = "LlamaForSequenceClassification",
        .prefix = "model.",
        .computed = {{"rotary_emb.inv_freq", ComputedTensor::rotary_frequencies}}};
    return family;
}

}  // namespace gradus
