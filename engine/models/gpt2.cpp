// GPT-2 in Hugging Face's format: learned positions, LayerNorm, GELU, biases, tied head; Conv1D weights are [in, out].
// Source: Radford et al. 2019; the published config.json of openai-community/gpt2.
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/models/config.h"
#include "engine/models/config_reader.h"
#include "engine/models/family.h"

namespace gradus {

namespace {

ModelConfig gpt2_defaults() {
    ModelConfig m;
    m.family = "gpt2";
    return m;
}

ModelConfig gpt2_shape(int L, int C, int H) {
    ModelConfig m = gpt2_defaults();
    m.L = L;
    m.C = C;
    m.H = m.G = H;
    m.D = C / H;
    m.F = 4 * C;
    m.V = 50257;
    m.context = 1024;
    m.end_of_text = 50256;
    return m;
}

// config.json has no key for the head width, and keys have a matrix of C channels.
void check_gpt2(const ModelConfig& m, const std::string& where) {
    auto text = [](int n) { return std::to_string(n); };
    auto refuse = [&](const std::string& what, const std::string& why, const std::string& fix) {
        throw Error(what, where + ": " + why, fix);
    };
    if (m.G != m.H)
        refuse(text(m.G) + " key/value heads instead of the " + text(m.H) + " heads of a GPT-2",
               "a GPT-2 has a key and a value for each head", "leave out model.kv_heads, or --set model.family=llama");
    if (m.H * m.D != m.C && m.C % m.H == 0)
        refuse(text(m.H) + " heads of width " + text(m.D) + " do not make up the width " + text(m.C),
               "a GPT-2's heads are width / heads wide",
               "leave out model.head_width, or write " + text(m.C / m.H) + "; or --set model.family=llama");
    if (m.H * m.D != m.C)
        refuse(text(m.H) + " heads do not divide the width " + text(m.C), "a head is width / heads wide",
               "choose a width that is a multiple of " + text(m.H) + ", such as " + text((m.C + m.H - 1) / m.H * m.H));
}

ModelConfig read_gpt2_config(const nlohmann::json& j, const std::string& file) {
    const ConfigReader read(j, file);
    ModelConfig m = gpt2_defaults();
    m.L = read.integer("n_layer");
    m.C = read.integer("n_embd");
    m.H = m.G = read.integer("n_head");
    m.D = m.H > 0 ? m.C / m.H : 0;
    m.F = read.integer_or("n_inner", m.C < (1 << 20) ? 4 * m.C : 0);
    m.V = read.integer("vocab_size");
    m.context = read.integer_or("n_positions", 1024);  // the default of transformers
    m.norm.eps = read.number_or("layer_norm_epsilon", 1e-5);
    m.init_std = read.number_hint("initializer_range", 0.02);
    m.tied = read.flag_or("tie_word_embeddings", true);
    m.end_of_text = read.id_hint("eos_token_id", m.V);
    read.require("activation_function", {"gelu_new", "gelu_pytorch_tanh", "gelu"}, "gelu_new");
    m.activation = read.text_or("activation_function", "") == "gelu" ? Activation::gelu_erf : Activation::gelu_tanh;
    read.require_flag("scale_attn_weights", true);
    read.require_flag("scale_attn_by_inverse_layer_idx", false);
    validate(m, file);
    return m;
}

nlohmann::json write_gpt2_config(const ModelConfig& m, const char* dtype) {
    nlohmann::json j = {{"architectures", {"GPT2LMHeadModel"}},
                        {"model_type", "gpt2"},
                        {"n_layer", m.L},
                        {"n_embd", m.C},
                        {"n_head", m.H},
                        {"n_inner", m.F},
                        {"vocab_size", m.V},
                        {"n_positions", m.context},
                        {"n_ctx", m.context},
                        {"layer_norm_epsilon", m.norm.eps},
                        {"initializer_range", m.init_std},
                        {"activation_function", m.activation == Activation::gelu_erf ? "gelu" : "gelu_new"},
                        {"attn_pdrop", 0.0},
                        {"embd_pdrop", 0.0},
                        {"resid_pdrop", 0.0},
                        {"tie_word_embeddings", m.tied},
                        {"torch_dtype", dtype}};
    if (m.end_of_text >= 0) j["bos_token_id"] = j["eos_token_id"] = m.end_of_text;
    else j["bos_token_id"] = j["eos_token_id"] = nullptr;
    return j;
}

std::vector<ExternalTensor> external_gpt2(const ModelConfig&, const std::string& name, const Spec& spec) {
    const int64_t rows = spec.shape.rank == 2 ? spec.shape.dim[0] : 1;
    auto one = [&](const std::string& there, bool transposed = false) {
        return std::vector<ExternalTensor>{{there, 0, rows, transposed}};
    };
    if (name == "wte") return one("wte.weight");
    if (name == "wpe") return one("wpe.weight");
    if (name == "norm.gain") return one("ln_f.weight");
    if (name == "norm.bias") return one("ln_f.bias");
    if (name == "head") return one(head_tensor);
    const auto [layer, rest] = split_block_name(name);
    const std::string h = "h." + layer + ".";
    if (rest == "norm1.gain") return one(h + "ln_1.weight");
    if (rest == "norm1.bias") return one(h + "ln_1.bias");
    if (rest == "norm2.gain") return one(h + "ln_2.weight");
    if (rest == "norm2.bias") return one(h + "ln_2.bias");
    if (rest == "attention.qkv_w") return one(h + "attn.c_attn.weight", true);
    if (rest == "attention.qkv_b") return one(h + "attn.c_attn.bias");
    if (rest == "attention.out_w") return one(h + "attn.c_proj.weight", true);
    if (rest == "attention.out_b") return one(h + "attn.c_proj.bias");
    if (rest == "feed_forward.up_w") return one(h + "mlp.c_fc.weight", true);
    if (rest == "feed_forward.up_b") return one(h + "mlp.c_fc.bias");
    if (rest == "feed_forward.down_w") return one(h + "mlp.c_proj.weight", true);
    if (rest == "feed_forward.down_b") return one(h + "mlp.c_proj.bias");
    check_failed("a name for every weight", __FILE__, __LINE__, name);
}

}  // namespace

const Family& gpt2_family() {
    static const Family family = {
        .name = "gpt2",
        .title = "GPT-2",
        .summary = "learned positions, LayerNorm, GELU, biases",
        .other_names = {"gpt", "gpt_2", "nanogpt"},
        .defaults = gpt2_defaults(),
        .shapes = {{"gpt2-124m", gpt2_shape(12, 768, 12), {"gpt2", "gpt2_small"}},
                   {"gpt2-355m", gpt2_shape(24, 1024, 16), {"gpt2_medium", "gpt2_350m"}},
                   {"gpt2-774m", gpt2_shape(36, 1280, 20), {"gpt2_large"}},
                   {"gpt2-1558m", gpt2_shape(48, 1600, 25), {"gpt2_xl", "gpt2_1.5b", "gpt2_1.6b"}}},
        .activations = {Activation::gelu_tanh, Activation::gelu_erf},
        .feed_forward_width = [](int64_t width) { return 4 * width; },
        .feed_forward_text = "4 x width",
        .free_heads = false,
        .read_config = read_gpt2_config,
        .write_config = write_gpt2_config,
        .external = external_gpt2,
        .classifier = "GPT2ForSequenceClassification",
        .prefix = "transformer.",
        .computed = {{".attn.bias", ComputedTensor::causal_mask}, {".attn.masked_bias", ComputedTensor::masked_score}},
        .check = check_gpt2};
    return family;
}

}  // namespace gradus
