#include "engine/setting_names.h"

#include <algorithm>

#include "engine/base/suggest.h"
#include "engine/config.h"

namespace gradus {

namespace {

// The last parts of keys, as nanoGPT, llm.c, Hugging Face and Megatron-LM call them.
constexpr Synonym keys[] = {
    {"learning_rate", "optimizer.lr"},
    {"max_lr", "optimizer.lr"},
    {"min_learning_rate", "optimizer.min_lr"},
    {"final_learning_rate", "optimizer.min_lr"},
    {"lr_scheduler", "optimizer.schedule"},
    {"lr_scheduler_type", "optimizer.schedule"},
    {"lr_decay_style", "optimizer.schedule"},
    {"scheduler", "optimizer.schedule"},
    {"warmup_steps", "optimizer.warmup"},
    {"warmup_iters", "optimizer.warmup"},
    {"warmup_iterations", "optimizer.warmup"},
    {"warmup_ratio", "optimizer.warmup"},
    {"wd", "optimizer.weight_decay"},
    {"decay", "optimizer.weight_decay"},
    {"grad_clip", "optimizer.clip"},
    {"clip_grad", "optimizer.clip"},
    {"max_grad_norm", "optimizer.clip"},
    {"optim", "optimizer.kind"},
    {"optimizer", "optimizer.kind"},
    {"adam_beta1", "optimizer.beta1"},
    {"adam_beta2", "optimizer.beta2"},
    {"adam_epsilon", "optimizer.eps"},
    {"epsilon", "optimizer.eps"},
    {"zero", "optimizer.sharded"},
    {"zero_stage", "optimizer.sharded"},
    {"batch_size", "train.batch"},
    {"global_batch_size", "train.batch"},
    {"micro_batch_size", "train.micro_batch"},
    {"per_device_train_batch_size", "train.micro_batch"},
    {"gradient_accumulation_steps", "train.micro_batch"},
    {"grad_accum_steps", "train.micro_batch"},
    {"block_size", "train.context"},
    {"seq_len", "train.context"},
    {"seq_length", "train.context"},
    {"sequence_length", "train.context"},
    {"max_seq_len", "train.context"},
    {"context_length", "train.context"},
    {"ctx", "train.context"},
    {"max_position_embeddings", "model.context"},
    {"n_positions", "model.context"},
    {"n_ctx", "model.context"},
    {"max_steps", "train.steps"},
    {"max_iters", "train.steps"},
    {"num_steps", "train.steps"},
    {"num_iterations", "train.steps"},
    {"train_iters", "train.steps"},
    {"iterations", "train.steps"},
    {"iters", "train.steps"},
    {"epochs", "train.steps"},
    {"num_train_epochs", "train.steps"},
    {"precision", "train.dtype"},
    {"bf16", "train.dtype"},
    {"fp16", "train.dtype"},
    {"gradient_checkpointing", "train.recompute"},
    {"activation_checkpointing", "train.recompute"},
    {"checkpointing", "train.recompute"},
    {"cudnn_benchmark", "train.autotune"},
    {"benchmark", "train.autotune"},
    {"max_autotune", "train.autotune"},
    {"tunableop", "train.autotune"},
    {"time_limit", "train.minutes"},
    {"num_threads", "train.threads"},
    {"n_layer", "model.layers"},
    {"n_layers", "model.layers"},
    {"num_layers", "model.layers"},
    {"num_hidden_layers", "model.layers"},
    {"depth", "model.layers"},
    {"n_head", "model.heads"},
    {"n_heads", "model.heads"},
    {"num_heads", "model.heads"},
    {"num_attention_heads", "model.heads"},
    {"n_kv_heads", "model.kv_heads"},
    {"num_kv_heads", "model.kv_heads"},
    {"num_key_value_heads", "model.kv_heads"},
    {"n_embd", "model.width"},
    {"d_model", "model.width"},
    {"dim", "model.width"},
    {"hidden_size", "model.width"},
    {"embed_dim", "model.width"},
    {"head_dim", "model.head_width"},
    {"ffn_dim", "model.feed_forward"},
    {"d_ff", "model.feed_forward"},
    {"intermediate_size", "model.feed_forward"},
    {"hidden_dim", "model.feed_forward"},
    {"vocab_size", "model.vocab"},
    {"tie_word_embeddings", "model.tied"},
    {"tie_weights", "model.tied"},
    {"initializer_range", "model.init_std"},
    {"layer_norm_eps", "model.norm_eps"},
    {"rms_norm_eps", "model.norm_eps"},
    {"init_from", "model.from"},
    {"arch", "model.family"},
    {"architecture", "model.family"},
    {"out_dir", "run.dir"},
    {"output_dir", "run.dir"},
    {"log_dir", "run.dir"},
    {"dataset", "data.dir"},
    {"data_dir", "data.dir"},
    {"eval_interval", "validation.every"},
    {"eval_every", "validation.every"},
    {"eval_steps", "validation.every"},
    {"eval_iters", "validation.windows"},
    {"save_every", "checkpoint.every"},
    {"save_steps", "checkpoint.every"},
    {"save_interval", "checkpoint.every"},
    {"checkpoint_interval", "checkpoint.every"},
    {"save_total_limit", "checkpoint.keep"},
    {"tensor_parallel", "mesh.tp"},
    {"tensor_model_parallel_size", "mesh.tp"},
    {"data_parallel", "mesh.dp"},
    {"smoothing", "loss.label_smoothing"},
};

struct Choice {
    std::string_view key;
    Synonym synonym;
};
constexpr Choice choices_elsewhere[] = {
    {"train.device", {"gpu", "cuda"}},
    {"train.device", {"nvidia", "cuda"}},
    {"train.device", {"cuda:0", "cuda"}},
    {"train.dtype", {"fp32", "f32"}},
    {"train.dtype", {"float32", "f32"}},
    {"train.dtype", {"float", "f32"}},
    {"train.dtype", {"single", "f32"}},
    {"train.dtype", {"bfloat16", "bf16"}},
    {"train.dtype", {"half", "bf16"}},
    {"train.dtype", {"float16", "bf16"}},
    {"train.dtype", {"fp16", "bf16"}},
    {"train.dtype", {"f16", "bf16"}},
    {"train.dtype", {"16", "bf16"}},
    {"train.dtype", {"mixed", "bf16"}},
    {"optimizer.kind", {"adam", "adamw"}},
    {"optimizer.schedule", {"cos", "cosine"}},
    {"optimizer.schedule", {"flat", "constant"}},
    {"optimizer.schedule", {"none", "constant"}},
    {"optimizer.schedule", {"trapezoidal", "wsd"}},
    {"optimizer.schedule", {"warmup_stable_decay", "wsd"}},
    {"model.family", {"gpt", "gpt2"}},
    {"model.family", {"gpt_2", "gpt2"}},
    {"model.family", {"nanogpt", "gpt2"}},
    {"model.family", {"llama2", "llama"}},
    {"model.family", {"llama3", "llama"}},
    {"model.family", {"mistral", "llama"}},
    {"model.activation", {"gelu", "gelu_tanh"}},
    {"model.activation", {"gelu_new", "gelu_tanh"}},
    {"model.activation", {"gelu_pytorch_tanh", "gelu_tanh"}},
    {"model.activation", {"swiglu", "silu"}},
    {"model.activation", {"swish", "silu"}},
};

std::string last_part(const std::string& key) { return key.substr(key.rfind('.') + 1); }

}  // namespace

std::vector<std::string> setting_names() {
    std::vector<std::string> names;
    Config config;
    config.each([&](const char* key, auto&, const Limits&, OnResume, const char*) { names.push_back(key); });
    return names;
}

std::string setting_meant(const std::string& written) {
    std::string key = written;
    std::replace(key.begin(), key.end(), '-', '_');
    const std::vector<std::string> names = setting_names();
    const std::string last = last_part(key);
    std::vector<std::string> in_other_tables;
    for (const std::string& name : names) {
        if (name == key) return name;
        if (last_part(name) == last) in_other_tables.push_back(name);
    }
    if (const std::string near = nearest_name(key, in_other_tables); !near.empty()) return near;
    if (in_other_tables.size() == 1) return in_other_tables.front();
    if (const std::string name = name_by_synonym(last, keys); !name.empty()) return name;
    const std::string near = nearest_name(key, names);
    return near.empty() ? nearest_name(last, names) : near;
}

std::string choice_meant(const std::string& key, const std::string& value, const std::vector<std::string>& choices) {
    for (const Choice& c : choices_elsewhere)
        if (c.key == key)
            if (const std::string name = name_by_synonym(value, std::span(&c.synonym, 1)); !name.empty()) return name;
    return nearest_name(value, choices);
}

}  // namespace gradus
