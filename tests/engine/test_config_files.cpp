// config.json of both families: reading, errors, and that written files are read back.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "engine/checkpoint/weights.h"
#include "tests/engine/checkpoint_testing.h"

using namespace gradus;
using namespace gradus::testing;

namespace {

const std::string gpt2 = R"({
  "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new", "n_layer": 3,
  "n_embd": 24, "n_head": 4, "n_ctx": 32, "n_positions": 32, "vocab_size": 99, "layer_norm_epsilon": 1e-05,
  "initializer_range": 0.02, "bos_token_id": 98, "eos_token_id": 98, "resid_pdrop": 0.1, "summary_type": "cls_index"})";

const std::string llama = R"({
  "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": 32,
  "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
  "max_position_embeddings": 131072, "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "vocab_size": 128,
  "tie_word_embeddings": true, "eos_token_id": [101, 108, 109], "bos_token_id": 100, "attention_bias": false,
  "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                   "original_max_position_embeddings": 8192, "rope_type": "llama3"}})";

ModelConfig read(const std::string& text) {
    const TemporaryFolder folder;
    write_file_atomically(folder / "config.json", text);
    return read_model_config(folder.path());
}

// The sample with one key set to another value, or removed if the value is empty.
std::string with(const std::string& sample, const std::string& key, const std::string& value) {
    auto j = nlohmann::json::parse(sample);
    j.erase(key);
    if (!value.empty()) j[key] = nlohmann::json::parse(value);
    return j.dump();
}

}  // namespace

TEST_CASE("the config.json of a GPT-2 is read completely") {
    const ModelConfig m = read(gpt2);
    REQUIRE(m.family == "gpt2");
    REQUIRE(m.L == 3);
    REQUIRE(m.C == 24);
    REQUIRE(m.H == 4);
    REQUIRE(m.G == 4);
    REQUIRE(m.D == 6);
    REQUIRE(m.F == 96);
    REQUIRE(m.V == 99);
    REQUIRE(m.context == 32);
    REQUIRE(read(with(gpt2, "n_positions", "")).context == 1024);  // transformers' default
    REQUIRE(m.norm.kind == Norm::layer);
    REQUIRE(m.norm.eps == 1e-5);
    REQUIRE(m.position == Position::learned);
    REQUIRE(m.activation == Activation::gelu_tanh);
    REQUIRE(read(with(gpt2, "activation_function", R"("gelu_pytorch_tanh")")).activation == Activation::gelu_tanh);
    REQUIRE(read(with(gpt2, "activation_function", "")).activation == Activation::gelu_tanh);
    REQUIRE(read(with(gpt2, "activation_function", R"("gelu")")).activation == Activation::gelu_erf);
    REQUIRE(m.bias);
    REQUIRE(m.tied);
    REQUIRE_FALSE(m.gated);
    REQUIRE(m.end_of_text == 98);
    REQUIRE(read(with(gpt2, "n_inner", "40")).F == 40);
    REQUIRE(read(with(gpt2, "n_inner", "null")).F == 96);
    REQUIRE(read(with(gpt2, "eos_token_id", "null")).end_of_text == -1);
}

TEST_CASE("the config.json of a LLaMA is read completely") {
    const ModelConfig m = read(llama);
    REQUIRE(m.family == "llama");
    REQUIRE(m.L == 2);
    REQUIRE(m.C == 32);
    REQUIRE(m.H == 4);
    REQUIRE(m.G == 2);
    REQUIRE(m.D == 8);
    REQUIRE(m.F == 48);
    REQUIRE(m.V == 128);
    REQUIRE(m.context == 131072);
    REQUIRE(m.norm.kind == Norm::rms);
    REQUIRE(m.position == Position::rotary);
    REQUIRE(m.rope.theta == 500000);
    REQUIRE(m.rope.scaling == RopeScaling{32, 1, 4, 8192});
    REQUIRE(m.activation == Activation::silu);
    REQUIRE(m.gated);
    REQUIRE(m.tied);
    REQUIRE_FALSE(m.bias);
    REQUIRE(m.end_of_text == 101);
    REQUIRE(read(with(llama, "head_dim", "6")).D == 6);
    REQUIRE(read(with(llama, "num_key_value_heads", "")).G == 4);
    REQUIRE_FALSE(read(with(llama, "tie_word_embeddings", "")).tied);
}

TEST_CASE("rope settings are read as transformers 4 and as transformers 5 write them") {
    const std::string plain = with(with(llama, "rope_scaling", "null"), "rope_theta", "");
    REQUIRE(read(plain).rope.theta == 10000);
    REQUIRE(read(plain).rope.scaling == RopeScaling{});
    const ModelConfig joined =
        read(with(plain, "rope_parameters", R"({"rope_type": "default", "rope_theta": 7000.0})"));
    REQUIRE(joined.rope.theta == 7000);
    REQUIRE(joined.rope.scaling == RopeScaling{});
    const ModelConfig scaled =
        read(with(plain, "rope_parameters", R"({"rope_type": "llama3", "rope_theta": 9000.0, "factor": 8.0,
        "low_freq_factor": 2.0, "high_freq_factor": 3.0, "original_max_position_embeddings": 64})"));
    REQUIRE(scaled.rope.theta == 9000);
    REQUIRE(scaled.rope.scaling == RopeScaling{8, 2, 3, 64});
}

TEST_CASE("an unsupported config.json is refused with the file and the key") {
    struct Case {
        std::string text, named;
    };
    const std::string deep = std::string(100000, '[') + std::string(100000, ']');
    const Case cases[] = {
        {"", "line 1"},
        {"{", "line 1"},
        {"{\n\"model_type\": gpt2}", "line 2, column"},
        {"[]", "is not a JSON object"},
        {"{\"n_layer\": " + deep + "}", "nested deeper"},
        {R"({"model_type": "gpt2", "model_type": "llama"})", "'model_type' twice"},
        {with(gpt2, "model_type", R"("bert")"), "bert"},
        {with(gpt2, "model_type", "5"), "model_type"},
        {with(gpt2, "n_layer", ""), "n_layer"},
        {with(gpt2, "n_layer", R"("3")"), "n_layer"},
        {with(gpt2, "n_layer", "3.5"), "n_layer"},
        {with(gpt2, "n_layer", "0"), "layers = 0"},
        {with(gpt2, "n_layer", "-1"), "layers = -1"},
        {with(gpt2, "n_layer", "99999999999999999999"), "n_layer"},
        {with(gpt2, "vocab_size", "4294967395"), "vocab_size"},
        {with(gpt2, "n_head", "5"), "5 heads do not divide the width 24"},
        {with(gpt2, "n_head", "0"), "heads = 0"},
        {with(gpt2, "activation_function", R"("relu")"), "activation_function"},
        {with(gpt2, "scale_attn_by_inverse_layer_idx", "true"), "scale_attn_by_inverse_layer_idx"},
        {with(gpt2, "tie_word_embeddings", "1"), "tie_word_embeddings"},
        {with(llama, "hidden_act", R"("gelu")"), "hidden_act"},
        {with(llama, "attention_bias", "true"), "attention_bias"},
        {with(llama, "num_key_value_heads", "3"), "3 key/value heads do not divide 4 heads"},
        {with(llama, "head_dim", "7"), "head width 7 is odd"},
        {with(llama, "rms_norm_eps", R"("small")"), "rms_norm_eps"},
        {with(llama, "rope_scaling", R"({"rope_type": "yarn", "factor": 2.0})"), "yarn"},
        {with(llama, "rope_scaling", R"({"rope_type": "llama3", "factor": 2.0})"), "low_freq_factor"},
        {with(llama, "rope_scaling", R"("llama3")"), "rope_scaling"},
    };
    for (const Case& c : cases) {
        const std::string text = refusal([&] { read(c.text); });
        INFO(c.text.substr(0, 300) << "\n" << text);
        REQUIRE(says(text, "config.json"));
        REQUIRE(says(text, c.named));
        REQUIRE(text.size() < 1000);
    }
}

TEST_CASE("a folder without a config.json is refused by name") {
    const TemporaryFolder folder;
    REQUIRE(says(refusal([&] { read_model_config(folder / "absent"); }), "absent/config.json"));
}

TEST_CASE("differences between two models list the fields that differ, except those that only training uses") {
    ModelConfig a = tiny_llama(), b = a;
    b.init_std = 0.5;
    REQUIRE(differences(a, b).empty());
    b.L = 5;
    b.rope.theta = 1e4;
    b.tied = true;
    REQUIRE(differences(a, b) == std::vector<std::string>{"layers 2 instead of 5",
                                                          "rope theta 500000.0 instead of 10000.0",
                                                          "tied head no instead of yes"});
}

TEST_CASE("a model that config.json cannot describe is not saved as another") {
    const TemporaryFolder folder;
    ModelConfig m = tiny_gpt2();
    m.activation = Activation::relu;
    Trained odd(m, DType::f32);
    REQUIRE(says(refusal([&] { save_weights(*odd.model, folder / "model", DType::f32); }),
                 "activation gelu_tanh instead of relu"));
    REQUIRE_FALSE(fs::exists(folder / "model"));
    m = tiny_llama();
    m.activation = Activation::gelu_erf;  // a LLaMA supports only silu
    REQUIRE(says(refusal([&] { require_describable(m); }), "activation silu instead of gelu_erf"));
}

TEST_CASE("a GPT-2 with the exact GELU records it in its config.json") {
    const TemporaryFolder folder;
    ModelConfig m = tiny_gpt2();
    for (const auto& [kind, name] : {std::pair{Activation::gelu_erf, "gelu"}, {Activation::gelu_tanh, "gelu_new"}}) {
        m.activation = kind;
        Trained exact(m, DType::f32);
        save_weights(*exact.model, folder / name, DType::f32);
        REQUIRE(
            says(read_file(folder / name / "config.json"), "\"activation_function\": \"" + std::string(name) + "\""));
        REQUIRE(read_model_config(folder / name) == m);
    }
}
