// GPT-2 as Hugging Face keeps it: learned positions, LayerNorm, GELU, biases, tied head; Conv1D weights are [in, out].
// Source: Radford et al. 2019; the published config.json of openai-community/gpt2.
#include <nlohmann/json.hpp>

#include "engine/models/files.h"

namespace gradus {

namespace {

ModelConfig read_gpt2_config(const nlohmann::json& j, const std::string& file) {
    const ConfigReader read(j, file);
    ModelConfig m;
    m.family = Family::gpt2;
    m.L = read.integer("n_layer");
    m.C = read.integer("n_embd");
    m.H = m.G = read.integer("n_head");
    m.D = m.H > 0 ? m.C / m.H : 0;
    m.F = read.integer_or("n_inner", m.C < (1 << 20) ? 4 * m.C : 0);
    m.V = read.integer("vocab_size");
    m.context = read.integer_or("n_positions", 1024);  // as transformers where it is left out
    m.norm_eps = read.number_or("layer_norm_epsilon", 1e-5);
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
                        {"layer_norm_epsilon", m.norm_eps},
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

const FamilyFiles& gpt2_files() {
    static const FamilyFiles files = {read_gpt2_config, write_gpt2_config, external_gpt2, "transformer."};
    return files;
}

}  // namespace gradus
