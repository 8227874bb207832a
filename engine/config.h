#pragma once
// Every setting of a training run, declared once.
//
// each() lists name, storage, limits, whether a resumed run may change it, and help. Reading a recipe, --set,
// --help-settings, the echo into the run's folder, the copy in its checkpoints and "did you mean" all walk that list.
// resolve() turns the settings into everything that follows from them; nobody derives again.
//
// Numbers are whole unless they say otherwise; 0 means "chosen for you" where the help says so. A duration in steps
// (warm-up, cool-down) below 1 is that share of all steps.
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/config_file.h"
#include "engine/mesh.h"
#include "engine/models/model.h"
#include "engine/trainer.h"

namespace gradus {

// What a value must satisfy.
struct Limits {
    double least = -std::numeric_limits<double>::infinity(), most = std::numeric_limits<double>::infinity();
    std::vector<std::string> choices = {};  // of a string; empty: any
};
inline Limits between(double least, double most) { return {least, most, {}}; }
inline Limits at_least(double least) { return {.least = least}; }
inline Limits one_of(std::vector<std::string> choices) { return {.choices = std::move(choices)}; }

inline constexpr double largest_count = 1e15;  // of steps

// Whether a resumed run must have the value that the run began with.
enum class OnResume { same, free };

struct Config {
    std::string run_dir;

    std::string model_name, model_from, family = "gpt2", activation;
    int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_width = 0, feed_forward = 0, vocab = 0,
            model_context = 0;
    std::optional<bool> tied;
    double norm_eps = 0, rope_theta = 0, init_std = 0;

    std::string data_dir, tokenizer, packing = "masked";
    std::vector<std::string> data_train, data_val;

    std::string dtype = "f32", device = "cpu";
    int64_t gpu = -1, threads = 0, batch = 8, micro_batch = 0, context = 0, steps = 1000, seed = 1;
    double memory = 0, minutes = 0, dropout = 0;
    bool recompute = false, autotune = false;

    double lr = 3e-4, min_lr = 3e-5, warmup = 0, cooldown = 0;
    std::string optimizer = "adamw", schedule = "cosine";
    double beta1 = 0.9, beta2 = 0.95, eps = 1e-8, momentum = 0.95, weight_decay = 0.1, clip = 1;
    bool stochastic_rounding = false;

    bool sharded = true;

    int64_t mesh_dp = 0, mesh_tp = 1;
    std::string mesh_comm = "auto";
    double mesh_silence = 45;

    double sigma = 6, stability_rate_factor = 0.5;
    int64_t stability_window = 128, stability_in_a_row = 3;

    double label_smoothing = 0, z_loss = 0;

    int64_t validation_every = 250, validation_windows = 0;
    int64_t checkpoint_every = 1000, keep = 2, keep_every = 0;
    bool background = true;
    int64_t sample_every = 0, sample_tokens = 100;
    double sample_temperature = 0.8;
    std::vector<std::string> sample_prompts;

    // Where each setting that somebody wrote was written: "recipe.toml:3:1"; absent: it has its default.
    std::map<std::string, std::string> written_at;

    template <class Visit>
    void each(Visit&& visit) {
        constexpr auto same = OnResume::same, free = OnResume::free;
        constexpr double large = largest_count, wide = 1 << 24;
        // Above the root of the smallest f32: where a second moment underflows to zero, so does the update.
        constexpr double least_eps = 1e-20;
        // clang-format off
        visit("run.dir", run_dir, Limits{}, free,
              "folder of the run: its log, samples and checkpoints");

        visit("model.name", model_name, Limits{}, same,
              "a named shape (gpt2-124m, gpt2-355m, gpt2-774m, gpt2-1558m, llama-1b, llama-8b); the keys below change "
              "parts of it");
        visit("model.from", model_from, Limits{}, free,
              "start from the weights in this folder: a Hugging Face model, or a checkpoint of another run; in bf16, "
              "f32 weights become the f32 masters unrounded");
        visit("model.family", family, one_of({"gpt2", "llama"}), same,
              "gpt2: learned positions, LayerNorm, GELU, biases; llama: rotary positions, RMSNorm, SwiGLU");
        visit("model.activation", activation, one_of({"gelu_tanh", "gelu_erf", "silu"}), same,
              "gpt2: gelu_tanh as OpenAI's (unset), or gelu_erf as nanoGPT's; llama: silu");
        visit("model.layers", layers, between(0, 10000), same,
              "blocks; 0: the named shape's");
        visit("model.width", width, between(0, 1 << 20), same,
              "channels of the residual stream; 0: the named shape's");
        visit("model.heads", heads, between(0, 1 << 16), same,
              "attention heads; 0: the named shape's");
        visit("model.kv_heads", kv_heads, between(0, 1 << 16), same,
              "key/value heads, each shared by heads / kv_heads heads; 0: the named shape's, or heads (gpt2: always "
              "heads)");
        visit("model.head_width", head_width, between(0, 1 << 16), same,
              "channels of a head; 0: the named shape's, or width / heads");
        visit("model.feed_forward", feed_forward, between(0, 1 << 22), same,
              "channels inside the feed-forward layer; 0: the named shape's, or 4 x width (llama: 8/3 x width, up to a"
              " multiple of 64)");
        visit("model.vocab", vocab, between(0, wide), same,
              "rows of the embedding; 0: the data's vocabulary");
        visit("model.context", model_context, between(0, wide), same,
              "longest sequence of the model; 0: the named shape's, or train.context");
        visit("model.tied", tied, Limits{}, same,
              "the head is the token embedding; unset: the named shape's, or true for gpt2 and false for llama");
        visit("model.norm_eps", norm_eps, between(0, 1), same,
              "added to the variance in norms; 0: 1e-5");
        visit("model.rope_theta", rope_theta, between(0, 1e12), same,
              "base of the rotary frequencies (llama); 0: the named shape's, or 10000");
        visit("model.init_std", init_std, between(0, 10), same,
              "standard deviation of the initialization; 0: 0.02");

        visit("data.dir", data_dir, Limits{}, free,
              "folder made by `gradus data prepare`: its train and val shards and its tokenizer");
        visit("data.train", data_train, Limits{}, free,
              "instead of data.dir: prefixes of shards (PREFIX.bin, PREFIX.idx) to train on");
        visit("data.val", data_val, Limits{}, free,
              "prefixes of shards to validate on; unset: the val shard of data.dir");
        visit("data.tokenizer", tokenizer, Limits{}, free,
              "tokenizer.json that the shards were made with, or its folder; unset: the one beside the first training "
              "shard");
        visit("data.packing", packing, one_of({"masked", "plain"}), same,
              "masked: attention stays inside a document; plain: windows of one stream, as GPT-2 was trained");

        visit("train.dtype", dtype, one_of({"f32", "bf16"}), same,
              "what weights and activations are computed in; sums, gradients and moments are f32 in both");
        visit("train.device", device, one_of({"cpu", "cuda", "simt"}), free,
              "where to compute; simt: the GPU's kernels on the CPU, thread by thread, for tests");
        visit("train.gpu", gpu, between(-1, 1023), free,
              "index of the GPU, for all ranks of a host; -1: each rank uses the GPU with its own number on the host");
        visit("train.threads", threads, between(0, 4096), free,
              "CPU threads; 0: one for each core");
        visit("train.batch", batch, between(1, 1 << 20), same,
              "sequences in a step, on all ranks together");
        visit("train.micro_batch", micro_batch, between(0, 1 << 20), free,
              "sequences per forward pass on a rank, a divisor of its part of the batch (with mesh.dp above 1: at "
              "most): the first thing to lower if memory runs out; 0: the largest that fits train.memory");
        visit("train.memory", memory, between(0, 1e6), free,
              "GiB that activations may take when micro_batch is 0; 0: 2 on a CPU, 48 on a GPU");
        visit("train.context", context, between(0, wide), same,
              "tokens in a sequence; 0: model.context");
        visit("train.steps", steps, between(1, large), same,
              "optimizer steps; set automatically if train.minutes is above 0 (and then refused on the command line); "
              "with the schedules constant and wsd it may change on resume, until the cool-down has begun");
        visit("train.minutes", minutes, between(0, 1e6), same,
              "above 0: the first steps are timed, and train.steps is set so that the run takes this long");
        visit("train.seed", seed, between(0, large), same,
              "of initialization, order of samples and dropout");
        visit("train.dropout", dropout, between(0, 0.99), same,
              "probability of dropping an activation");
        visit("train.recompute", recompute, Limits{}, free,
              "activation checkpointing: keep only each block's input and recompute the block in backward; a third "
              "more work, far less memory");
        visit("train.autotune", autotune, Limits{}, same,
              "on a GPU: before the first step, time several algorithms for each matmul and keep the fastest for the "
              "whole run; another run may choose others, and then differs in its last bits");

        visit("mesh.dp", mesh_dp, between(0, 1 << 20), free,
              "data-parallel groups (mpirun -n N gradus pretrain …); 0: ranks / mesh.tp");
        visit("mesh.tp", mesh_tp, between(1, 1 << 20), free,
              "tensor-parallel ranks: each has part of the heads, features and vocabulary of each layer");

        visit("mesh.comm", mesh_comm, one_of({"auto", "mpi", "nccl"}), free,
              "how ranks exchange tensors; auto: nccl if each rank has its own GPU, else mpi, through the memory of "
              "the host");
        visit("mesh.silence", mesh_silence, between(1, 86400), free,
              "seconds without a heartbeat after which a rank counts as lost, which ends the run");

        visit("optimizer.kind", optimizer, one_of({"adamw", "muon"}), same,
              "muon: orthogonalised momentum for the matrices inside blocks, AdamW for the rest");
        visit("optimizer.lr", lr, between(0, 100), same,
              "peak learning rate");
        visit("optimizer.min_lr", min_lr, between(0, 100), same,
              "learning rate at the end of the schedule");
        visit("optimizer.schedule", schedule, one_of({"constant", "cosine", "linear", "wsd"}), same,
              "decay of the learning rate after warm-up; wsd: flat, then linear over the last `cooldown` steps");
        visit("optimizer.warmup", warmup, between(0, large), same,
              "warm-up steps; below 1: share of all steps. A resumed run must have the same number of steps");
        visit("optimizer.cooldown", cooldown, between(0, large), same,
              "wsd: steps of linear decay at the end; below 1: share of all steps");
        visit("optimizer.beta1", beta1, between(0, 0.99999), same,
              "AdamW: decay of the first moment");
        visit("optimizer.beta2", beta2, between(0, 0.999999), same,
              "AdamW: decay of the second moment");
        visit("optimizer.eps", eps, between(least_eps, 1), same,
              "AdamW: added to the square root of the second moment");
        visit("optimizer.momentum", momentum, between(0, 0.99999), same,
              "Muon: decay of the momentum");
        visit("optimizer.weight_decay", weight_decay, between(0, 100), same,
              "decoupled weight decay, on matrices only");
        visit("optimizer.clip", clip, between(0, 1e9), same,
              "largest global norm of the gradient; 0: no clipping");
        visit("optimizer.stochastic_rounding", stochastic_rounding, Limits{}, same,
              "bf16 with AdamW: stochastic rounding of the weights instead of to nearest");

        visit("optimizer.sharded", sharded, Limits{}, free,
              "masters and moments are sharded over mesh.dp (ZeRO-1); false: replicated on every rank, as always with "
              "muon");

        visit("stability.sigma", sigma, between(0, 1e6), same,
              "a step whose loss or gradient norm is this many standard deviations above the mean of the last steps is"
              " skipped; 0: only NaN and infinity are");
        visit("stability.window", stability_window, between(2, 1 << 20), same,
              "number of last steps; no spike is skipped before half of them are known");
        visit("stability.in_a_row", stability_in_a_row, between(1, 1e6), same,
              "this many skipped steps in a row cause a rollback: back to the last checkpoint, skipping the offending "
              "batches, at a lower learning rate");
        visit("stability.rate_factor", stability_rate_factor, between(1e-6, 1), same,
              "factor of the learning rate after a rollback");

        visit("loss.label_smoothing", label_smoothing, between(0, 0.99), same,
              "share of the target probability spread over all tokens");
        visit("loss.z_loss", z_loss, between(0, 1), same,
              "weight of the squared log-sum-exp of the logits, which keeps them near zero");

        visit("validation.every", validation_every, between(0, large), free,
              "steps between validations; 0: only at the end");
        visit("validation.windows", validation_windows, between(0, large), free,
              "sequences of the validation set; 0: all of it");

        visit("checkpoint.every", checkpoint_every, between(0, large), free,
              "steps between checkpoints; 0: only at the end, and when the run is stopped");
        visit("checkpoint.background", background, Limits{}, free,
              "write checkpoints in the background, from a copy of the state in the memory of the first rank; false: "
              "training waits, and a single rank needs no copy");
        visit("checkpoint.keep", keep, between(1, 1e6), free,
              "number of newest regular checkpoints to keep");
        visit("checkpoint.keep_every", keep_every, between(0, large), free,
              "also keep every checkpoint whose step is a multiple of this; 0: none");

        visit("sample.every", sample_every, between(0, large), free,
              "steps between samples; 0: none");
        visit("sample.prompts", sample_prompts, Limits{}, free,
              "texts to continue");
        visit("sample.tokens", sample_tokens, between(1, wide), free,
              "length of a continuation, in tokens");
        visit("sample.temperature", sample_temperature, between(0, 100), free,
              "sampling temperature; 0: always the most likely token");
        // clang-format on
    }
};

// A duration of the settings: below 1 it is that share of the steps.
int64_t in_steps(double duration, int64_t steps);

// Applies settings in their order: the last one holds. Errors name the place, the limits and the nearest name.
void apply_settings(Config&, const std::vector<Setting>&);
// A recipe file, then the `key=value` assignments of the command line.
Config load_config(const fs::path& recipe, const std::vector<std::string>& assignments);
// The settings as a recipe; reading it gives the same settings.
std::string recipe_text(const Config&);
// All settings with default, limits and help, for --help-settings.
std::string settings_help();

// The part of resolve() that looks at nothing but the settings: the run has a folder, the data and the model one source
// each. For whoever opens those first.
void check_sources(const Config&);

// What resolve() must know of the data.
struct DataFacts {
    int vocab = 0, end_of_text = -1;
    std::string identity;     // tells one data set from another, by every byte
    std::string former;       // the identity by fewer bytes that older checkpoints have
    int longest_prompt = -1;  // of sample.prompts, in tokens; -1: nobody has counted
    bool validates = true;    // there is text to validate on
};

struct Resolved {
    // With every "chosen for you" filled in that does not depend on the machine: what is echoed and kept. What does stays
    // open: train.micro_batch, train.memory, mesh.dp.
    Config config;
    ModelConfig model;
    DType dtype = DType::f32;
    bool cuda = false, masked = true;
    BatchShape shape;  // of a model to train
    Mode mode;
    MeshSizes mesh;
    TrainerConfig trainer;
    int64_t tokens_per_step = 0;
    std::string identity;  // what a resumed run must share with the run that it continues (engine/same_run.h)
    std::vector<std::string>
        notes;  // settings that are not used as they were written, or follow from others unexpectedly
};

// `base` is the model of model.from, or of the checkpoint that is resumed; `ranks` is how many were started. Error where
// settings do not go together, or do not fit the ranks.
Resolved resolve(const Config&, const DataFacts&, const std::optional<ModelConfig>& base, int ranks = 1);

}  // namespace gradus
