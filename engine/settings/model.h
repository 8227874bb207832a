#pragma once
// The model: a named shape, or weights to start from, or sizes. 0 and "" mean that a size is chosen (engine/config.h).
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/settings.h"
#include "engine/models/config.h"
#include "engine/settings/limits.h"

namespace gradus {

// Of all families (engine/models/family.h).
std::vector<Choice> family_choices();
std::string shape_names();  // "gpt2-124m, …"

// What each family says of a setting, in one line: "gpt2: learned positions, …; llama: …".
struct FamilyTexts {
    std::string summaries, activations, sharing_of_heads, feed_forward, tied, norm_eps, rope_theta, init_std;
};
FamilyTexts family_texts();

struct ModelSettings {
    static constexpr const char* section = "model";

    std::string name, from, family = ModelConfig{}.family, activation;
    int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_width = 0, feed_forward = 0, vocab = 0, context = 0;
    std::optional<bool> tied;
    double norm_eps = 0, rope_theta = 0, init_std = 0;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        const FamilyTexts of_families = family_texts();
        const auto chosen = [](const std::string& by_family) {
            return "the named shape's, or the family's (" + by_family + ")";
        };
        // clang-format off
        visit("name", name, Limits{}, fixed,
              "a named shape (" + shape_names() + "); the keys below change parts of it");
        visit("from", from, Limits{}, free,
              "start from the weights in this folder: a Hugging Face model, or a checkpoint of another run; in bf16, "
              "f32 weights become the f32 masters unrounded",
              {"init_from"});
        visit("family", family, one_of(family_choices()), fixed,
              of_families.summaries,
              {"arch", "architecture"});
        visit("activation", activation,
              one_of({{"gelu_tanh", {"gelu", "gelu_new", "gelu_pytorch_tanh"}},
                      {"gelu_erf"},
                      {"silu", {"swiglu", "swish"}}}), fixed,
              "of the feed-forward layer (OpenAI's GELU is gelu_tanh, nanoGPT's gelu_erf); unset: the named shape's, or "
              "the family's first (" + of_families.activations + ")");
        visit("layers", layers, between(0, 10000), fixed,
              "blocks; 0: the named shape's",
              {"n_layer", "n_layers", "num_layers", "num_hidden_layers", "depth"});
        visit("width", width, between(0, 1 << 20), fixed,
              "channels of the residual stream; 0: the named shape's",
              {"n_embd", "d_model", "dim", "hidden_size", "embed_dim"});
        visit("heads", heads, between(0, 1 << 16), fixed,
              "attention heads; 0: the named shape's",
              {"n_head", "n_heads", "num_heads", "num_attention_heads"});
        visit("kv_heads", kv_heads, between(0, 1 << 16), fixed,
              "key/value heads, each shared by heads / kv_heads heads; 0: the named shape's, or heads (" +
                  of_families.sharing_of_heads + ")",
              {"n_kv_heads", "num_kv_heads", "num_key_value_heads"});
        visit("head_width", head_width, between(0, 1 << 16), fixed,
              "channels of a head; 0: the named shape's, or width / heads",
              {"head_dim"});
        visit("feed_forward", feed_forward, between(0, 1 << 22), fixed,
              "channels inside the feed-forward layer; 0: " + chosen(of_families.feed_forward),
              {"ffn_dim", "d_ff", "intermediate_size", "hidden_dim"});
        visit("vocab", vocab, between(0, largest_length), fixed,
              "rows of the embedding; 0: the data's vocabulary",
              {"vocab_size"});
        visit("context", context, between(0, largest_length), fixed,
              "longest sequence of the model; 0: the named shape's, or train.context",
              {"max_position_embeddings", "n_positions", "n_ctx"});
        visit("tied", tied, Limits{}, fixed,
              "the head is the token embedding; unset: " + chosen(of_families.tied),
              {"tie_word_embeddings", "tie_weights"});
        visit("norm_eps", norm_eps, between(0, 1), fixed,
              "added to the variance in norms; 0: " + chosen(of_families.norm_eps),
              {"layer_norm_eps", "rms_norm_eps"});
        visit("rope_theta", rope_theta, between(0, 1e12), fixed,
              "base of the rotary frequencies; 0: " + chosen(of_families.rope_theta));
        visit("init_std", init_std, between(0, 10), fixed,
              "standard deviation of the initialization; 0: " + chosen(of_families.init_std),
              {"initializer_range"});
        // clang-format on
    }
};

}  // namespace gradus
