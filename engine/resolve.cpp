// What follows from the settings, and which settings do not go together.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/mesh_change.h"
#include "engine/resolve.h"
#include "engine/same_run.h"

namespace gradus {

namespace {

// "optimizer.lr = 0.001 (recipe.toml:12:1)"
std::string cited(const Config& c, const std::string& key) {
    Config copy = c;
    std::string text;
    for (const DeclaredSetting& d : declared(copy)) {
        const std::optional<Value> value = d.value();
        if (d.key == key) text = key + " = " + (value ? toml_text(*value) : "unset");
    }
    const auto written = c.written_at.find(key);
    return text + " (" + (written == c.written_at.end() ? "the default" : written->second) + ")";
}

[[noreturn]] void refuse_settings(const Config& c, const std::string& what, std::initializer_list<const char*> keys,
                                  const std::string& fix) {
    std::string cause;
    for (const char* key : keys) cause += (cause.empty() ? "" : ", ") + cited(c, key);
    throw Error(what, cause, fix);
}

class Resolver {
public:
    Resolver(const Config& config, const DataFacts& facts, const std::optional<ModelConfig>& base, int ranks)
        : c(config), data(facts), from(base), launched(ranks) {}

    Resolved resolve() {
        check_sources(c);
        Resolved r;
        r.model = model();
        steps_and_rates();
        r.dtype = c.train.dtype == "bf16" ? DType::bf16 : DType::f32;
        r.cuda = c.train.device == "cuda";
        r.masked = c.data.packing == "masked";
        shares_out = true;
        mesh(r);
        micro_batch(r);
        require_divisible(r.model, int(at_once * c.train.context), r.mesh.tp);
        shares_out = false;
        r.shape = {.B = int(at_once), .T = int(c.train.context)};
        r.mode = {.training = true,
                  .recompute = c.train.recompute,
                  .parts = c.optimizer.sharded && c.optimizer.kind != "muon" ? r.mesh.dp : 1};
        r.trainer = trainer();
        r.tokens_per_step = c.train.batch * c.train.context;
        r.config = c;
        r.identity = identity_of(c, data);
        unused_settings();
        r.notes = notes;
        return r;
    }

    bool shares_out = false;  // what is refused is how ranks share the run out

private:
    [[noreturn]] void refuse(const std::string& what, std::initializer_list<const char*> keys,
                             const std::string& fix) const {
        refuse_settings(c, what, keys, fix);
    }

    // A size: what was asked for, or what the base has. A base with weights leaves no choice.
    void size(const char* key, int64_t& setting, int64_t base) const {
        if (setting == 0) setting = base;
        else if (from && setting != base)
            refuse(fmt::format("the weights to start from have {} = {}", key, base), {key},
                   fmt::format("leave out {}, or --set {}={}", key, key, base));
    }
    void number(const char* key, double& setting, double base) const {
        if (setting == 0) setting = base;
        else if (from && setting != base)
            refuse(fmt::format("the weights to start from have {} = {}", key, base), {key},
                   fmt::format("leave out {}", key));
    }

    // A size that may follow from others that were changed in a named shape; then a note says so.
    void follow(const char* key, int64_t& setting, int64_t value, int64_t named) {
        const bool chosen = setting == 0 && !from && !c.model.name.empty();
        size(key, setting, value);
        if (chosen && value != named)
            notes.push_back(
                fmt::format("{} is {}, from the changed width or heads; {} has {}", key, value, c.model.name, named));
    }

    void require_whole_heads(bool llama) const {
        const int64_t unit = c.model.heads * (llama ? 2 : 1);  // rotary positions rotate pairs of channels
        if (c.model.width % c.model.heads == 0) return;
        refuse(fmt::format("{} heads do not divide the width {}", c.model.heads, c.model.width),
               {"model.width", "model.heads"},
               fmt::format("--set model.width={}{}", (c.model.width + unit - 1) / unit * unit,
                           llama ? ", or --set model.head_width=N" : ""));
    }

    ModelConfig base() {
        if (from) return *from;
        if (!c.model.name.empty()) return named_model(c.model.name);
        for (const auto& [key, value] : {std::pair{"model.layers", c.model.layers},
                                         {"model.width", c.model.width},
                                         {"model.heads", c.model.heads}})
            if (value == 0)
                refuse("the model has no size", {"model.name", key},
                       fmt::format("--set model.name=gpt2-124m, or --set {}=N", key));
        ModelConfig m;
        const bool llama = c.model.family == "llama";
        if (llama) {
            m.family = Family::llama;
            m.norm = Norm::rms;
            m.position = Position::rotary;
            m.activation = Activation::silu;
            m.gated = true;
            m.bias = m.tied = false;
        }
        m.G = int(c.model.heads);
        m.D = 0;
        m.context = int(c.model.context > 0 ? c.model.context : c.train.context);
        m.V = data.vocab;
        return m;
    }

    ModelConfig model() {
        ModelConfig m = base();
        const bool llama = m.family == Family::llama, free_shape = !from && c.model.name.empty();
        const std::string family = llama ? "llama" : "gpt2";
        if (c.written_at.contains("model.family") && c.model.family != family)
            refuse("the model is of the family " + family,
                   {"model.family", c.model.name.empty() ? "model.from" : "model.name"}, "leave out model.family");
        c.model.family = family;

        activation(m);
        size("model.layers", c.model.layers, m.L);
        size("model.width", c.model.width, m.C);
        size("model.heads", c.model.heads, m.H);
        const bool same_heads = !free_shape && c.model.width == m.C && c.model.heads == m.H;
        follow("model.kv_heads", c.model.kv_heads, same_heads ? m.G : c.model.heads, m.G);
        if (c.model.head_width == 0 && !same_heads) require_whole_heads(llama);
        follow("model.head_width", c.model.head_width, same_heads ? m.D : c.model.width / c.model.heads, m.D);
        const int64_t inside = llama ? (c.model.width * 8 / 3 + 63) / 64 * 64 : 4 * c.model.width;
        follow("model.feed_forward", c.model.feed_forward, free_shape || c.model.width != m.C ? inside : m.F, m.F);
        if (!from && c.model.vocab == 0) c.model.vocab = data.vocab;
        size("model.vocab", c.model.vocab, m.V);
        if (c.model.tied && from && *c.model.tied != m.tied)
            refuse(
                std::string("the model to start from has a head ") + (m.tied ? "tied to its embedding" : "of its own"),
                {"model.tied"}, c.model.tied == true ? "--set model.tied=false" : "--set model.tied=true");
        if (!c.model.tied) c.model.tied = m.tied;
        number("model.norm_eps", c.model.norm_eps, m.norm_eps);
        number("model.rope_theta", c.model.rope_theta, m.rope_theta);
        number("model.init_std", c.model.init_std, m.init_std);
        if (m.position == Position::learned && c.model.rope_theta != m.rope_theta)
            refuse("learned positions have no rotary frequencies", {"model.rope_theta", "model.family"},
                   "leave out model.rope_theta");

        contexts(m);
        if (c.model.vocab < data.vocab)
            refuse(fmt::format("a vocabulary of {} is too small for the data's {} ids", c.model.vocab, data.vocab),
                   {"model.vocab"},
                   from ? "prepare the data with the tokenizer of the model to start from" : "leave out model.vocab");

        m.L = int(c.model.layers);
        m.C = int(c.model.width);
        m.H = int(c.model.heads);
        m.G = int(c.model.kv_heads);
        m.D = int(c.model.head_width);
        m.F = int(c.model.feed_forward);
        m.V = int(c.model.vocab);
        m.context = int(c.model.context);
        m.tied = *c.model.tied;
        m.norm_eps = c.model.norm_eps;
        m.rope_theta = c.model.rope_theta;
        m.init_std = c.model.init_std;
        m.end_of_text = data.end_of_text;
        validate(m, "[model]");
        require_describable(m);
        return m;
    }

    void activation(ModelConfig& m) {
        const std::string base = name_of(m.activation);
        if (c.model.activation.empty()) c.model.activation = base;
        if (c.model.activation == base) return;
        if (from)
            refuse("the weights to start from were made with " + base, {"model.activation"},
                   "leave out model.activation");
        if (m.family == Family::llama || c.model.activation == "silu")
            refuse("the family " + c.model.family + " is not computed with " + c.model.activation, {"model.activation"},
                   "leave out model.activation");
        m.activation = c.model.activation == "gelu_erf" ? Activation::gelu_erf : Activation::gelu_tanh;
    }

    void contexts(const ModelConfig& m) {
        const bool asked = c.model.context != 0;
        if (!asked) c.model.context = m.context;
        if (c.train.context == 0) c.train.context = c.model.context;
        if (c.train.context == 0)
            refuse("the length of a sequence is not known", {"train.context", "model.context"},
                   "--set train.context=256");
        if (m.position == Position::learned && c.train.context > c.model.context)
            refuse(fmt::format("sequences of {} tokens are longer than the model's {} learned positions",
                               c.train.context, c.model.context),
                   {"train.context", "model.context"}, fmt::format("--set train.context={}", c.model.context));
        if (m.position == Position::learned && from && c.model.context != m.context)
            refuse(fmt::format("the model to start from has {} learned positions", m.context), {"model.context"},
                   "leave out model.context");
        if (m.position == Position::learned && !from && c.train.context < c.model.context)
            notes.push_back(
                fmt::format("train.context = {} leaves the positions from there to model.context = {} untrained",
                            c.train.context, c.model.context));
        if (c.train.context <= c.model.context) return;
        // Rotary positions go as far as they are asked to, where nobody said how far the model's go.
        if (asked)
            refuse(
                fmt::format("sequences of {} tokens are longer than the model's {} positions", c.train.context,
                            c.model.context),
                {"train.context", "model.context"},
                fmt::format("--set model.context={0}, or --set train.context={1}", c.train.context, c.model.context));
        notes.push_back(fmt::format("model.context is {}, as train.context; {} has {}", c.train.context,
                                    from ? "the model to start from" : c.model.name, c.model.context));
        c.model.context = c.train.context;
    }

    int64_t in_steps(double duration) const { return gradus::in_steps(duration, c.train.steps); }

    void steps_and_rates() {
        if (c.optimizer.min_lr > c.optimizer.lr && c.optimizer.schedule != "constant")
            refuse("the lowest learning rate is above the highest", {"optimizer.min_lr", "optimizer.lr"},
                   fmt::format("--set optimizer.min_lr={:g}", c.optimizer.lr / 10));
        for (const char* key : {"optimizer.warmup", "optimizer.cooldown"}) {
            const double duration = std::string(key) == "optimizer.warmup" ? c.optimizer.warmup : c.optimizer.cooldown;
            if (duration >= 1 && duration != std::floor(duration))
                refuse("a duration is neither a number of steps nor a share of them", {key},
                       "write a whole number, or a share below 1");
        }
        const bool wsd = c.optimizer.schedule == "wsd";
        if (wsd && c.optimizer.cooldown == 0)
            refuse("the schedule wsd has no cool-down", {"optimizer.schedule", "optimizer.cooldown"},
                   "--set optimizer.cooldown=0.2");
        if (!wsd && c.optimizer.cooldown > 0)
            refuse("only the schedule wsd has a cool-down", {"optimizer.cooldown", "optimizer.schedule"},
                   "--set optimizer.schedule=wsd, or leave out optimizer.cooldown");
        if (in_steps(c.optimizer.warmup) + (wsd ? in_steps(c.optimizer.cooldown) : 0) > c.train.steps) {
            if (wsd)
                refuse("warm-up and cool-down are longer than the run",
                       {"optimizer.warmup", "optimizer.cooldown", "train.steps"},
                       "--set optimizer.warmup=0.02 --set optimizer.cooldown=0.2");
            refuse("the warm-up is longer than the run", {"optimizer.warmup", "train.steps"},
                   "--set optimizer.warmup=0.02");
        }
        for (const auto& [key, duration] :
             {std::pair{"optimizer.warmup", c.optimizer.warmup}, {"optimizer.cooldown", c.optimizer.cooldown}})
            if (duration > 0 && in_steps(duration) == 0)
                notes.push_back(fmt::format("{} = {} of {} steps is less than half a step, so there is none", key,
                                            duration, c.train.steps));
        if (c.optimizer.stochastic_rounding && c.optimizer.kind == "muon")
            refuse("Muon's matrices are rounded to the nearest alone",
                   {"optimizer.stochastic_rounding", "optimizer.kind"},
                   "--set optimizer.kind=adamw, or leave out optimizer.stochastic_rounding");
        if (c.optimizer.stochastic_rounding && c.train.dtype == "f32")
            refuse("f32 weights are not rounded", {"optimizer.stochastic_rounding", "train.dtype"},
                   "--set train.dtype=bf16, or leave out optimizer.stochastic_rounding");
    }

    // Bytes that the activations of one sequence take, within a tenth or so: the large tensors of each block.
    double bytes_of_a_sequence() const {
        const double stream = double(c.model.width), heads = double(c.model.heads * c.model.head_width),
                     qkv = double((c.model.heads + 2 * c.model.kv_heads) * c.model.head_width),
                     up = double(c.model.feed_forward) * (c.model.family == "llama" ? 3 : 2);
        const double block = 3 * stream + qkv + heads + up;
        const double kept = double(c.model.layers) * (c.train.recompute ? stream : stream + block);
        return double(c.train.context) * (kept + 2 * block) * (c.train.dtype == "bf16" ? 2 : 4);
    }

    void mesh(Resolved& r) const {
        r.mesh = gradus::resolve(MeshSizes{.dp = int(c.mesh.dp), .tp = int(c.mesh.tp)}, launched);
        if (c.optimizer.kind == "muon" && r.mesh.tp > 1)
            refuse("Muon needs whole matrices, and the ranks of mesh.tp have parts of them",
                   {"optimizer.kind", "mesh.tp"}, "--set mesh.tp=1, or --set optimizer.kind=adamw");
        if (c.train.batch % r.mesh.dp != 0)
            refuse(fmt::format("{} ranks cannot share out a batch of {} sequences", r.mesh.dp, c.train.batch),
                   {"train.batch", "mesh.dp"},
                   fmt::format("--set train.batch={}", (c.train.batch + r.mesh.dp - 1) / r.mesh.dp * r.mesh.dp));
    }

    // Of a rank. What is chosen here is not written into the settings: on another mesh the choice is another.
    void micro_batch(const Resolved& r) {
        const double memory = c.train.memory > 0 ? c.train.memory : r.cuda ? 48 : 2;
        const int64_t batch = c.train.batch / r.mesh.dp;
        // The rows of a micro-batch must divide by the ranks of tp as well.
        auto possible = [&](int64_t n) { return batch % n == 0 && n * c.train.context % r.mesh.tp == 0; };
        at_once = c.train.micro_batch;
        if (at_once == 0) {
            const double fits = memory * double(1 << 30) / bytes_of_a_sequence() * r.mesh.tp;
            at_once = 1;
            for (int64_t n = 1; n <= batch; ++n)
                if (possible(n) && (double(n) <= fits || !possible(at_once))) at_once = n;
            if (double(at_once) > fits)
                notes.push_back(
                    fmt::format("the activations of the smallest micro-batch, {} of {} tokens, need about {:.2g} "
                                "GiB, more than train.memory = {}",
                                at_once, c.train.context, double(at_once) / fits * memory, memory));
        }
        // A recipe that was written for one rank runs on others: at once is then at most.
        while (r.mesh.dp > 1 && at_once > 1 && !possible(at_once)) --at_once;
        if (c.train.micro_batch > 0 && at_once != c.train.micro_batch)
            notes.push_back(fmt::format("train.micro_batch = {} does not divide the {} sequences of a rank: {} at once",
                                        c.train.micro_batch, batch, at_once));
        if (batch % at_once != 0) {
            int64_t lower = std::min(at_once, batch);
            while (batch % lower != 0) --lower;
            refuse("the micro-batch does not divide the batch", {"train.micro_batch", "train.batch"},
                   fmt::format("--set train.micro_batch={}", lower));
        }
        constexpr int64_t most_rows = int64_t(1) << 31;
        if (at_once * c.train.context >= most_rows)
            refuse("a micro-batch of this many tokens cannot be counted", {"train.micro_batch", "train.context"},
                   "--set train.micro_batch=1, or a shorter train.context");
    }

    // Settings that were written and do nothing beside the others.
    void unused_settings() {
        const auto unused = [&](const char* key, bool differs, const std::string& why) {
            if (differs && c.written_at.contains(key)) notes.push_back(cited(c, key) + " has no effect: " + why);
        };
        const Config usual;
        if (c.optimizer.schedule == "constant")
            unused("optimizer.min_lr", c.optimizer.min_lr != usual.optimizer.min_lr,
                   "the schedule constant never lowers the learning rate");
        if (c.optimizer.kind == "adamw")
            unused("optimizer.momentum", c.optimizer.momentum != usual.optimizer.momentum, "it is Muon's");
        if (c.train.device != "cuda")
            unused("train.gpu", c.train.gpu != usual.train.gpu, "train.device is " + c.train.device);
        if (c.train.micro_batch > 0) unused("train.memory", c.train.memory > 0, "train.micro_batch is given");
        if (c.sample.every == 0 && !c.written_at.contains("sample.every"))
            unused("sample.prompts", !c.sample.prompts.empty(), "sample.every is 0");
    }

    TrainerConfig trainer() const {
        const Decay decay = c.optimizer.schedule == "constant" ? Decay::constant
                            : c.optimizer.schedule == "cosine" ? Decay::cosine
                            : c.optimizer.schedule == "linear" ? Decay::linear
                                                               : Decay::wsd;
        TrainerConfig t;
        t.batch = int(c.train.batch);
        t.micro_batch = int(at_once);
        t.context = int(c.train.context);
        t.dropout = c.train.dropout;
        t.seed = uint64_t(c.train.seed);
        t.loss = {c.loss.label_smoothing, c.loss.z_loss};
        t.schedule = {decay,
                      c.optimizer.lr,
                      c.optimizer.min_lr,
                      in_steps(c.optimizer.warmup),
                      c.train.steps,
                      in_steps(c.optimizer.cooldown)};
        t.optimizer = {.kind = c.optimizer.kind == "muon" ? OptimizerKind::muon : OptimizerKind::adamw,
                       .beta1 = c.optimizer.beta1,
                       .beta2 = c.optimizer.beta2,
                       .eps = c.optimizer.eps,
                       .weight_decay = c.optimizer.weight_decay,
                       .momentum = c.optimizer.momentum,
                       .clip = c.optimizer.clip,
                       .stochastic_rounding = c.optimizer.stochastic_rounding,
                       .sharded = c.optimizer.sharded,
                       .seed = uint64_t(c.train.seed)};
        t.stability = {c.stability.sigma, int(c.stability.window), int(c.stability.in_a_row), c.stability.rate_factor};
        return t;
    }

    Config c;
    const DataFacts& data;
    const std::optional<ModelConfig>& from;
    const int launched;
    int64_t at_once = 1;  // sequences of a micro-batch
    std::vector<std::string> notes;
};

}  // namespace

void check_sources(const Config& c) {
    if (c.run.dir.empty()) refuse_settings(c, "the run has no folder", {"run.dir"}, "--set run.dir=runs/NAME");
    if (c.data.dir.empty() == c.data.train.empty())
        refuse_settings(
            c, c.data.dir.empty() ? "there is no data to train on" : "there are two sources of data",
            {"data.dir", "data.train"},
            c.data.dir.empty()
                ? "--set data.dir=FOLDER, a folder made by: gradus data prepare TEXTS --tokenizer FILE --out FOLDER"
                : "keep data.dir or data.train, not both");
    if (!c.model.name.empty() && !c.model.from.empty())
        refuse_settings(c, "the model has two origins", {"model.name", "model.from"},
                        "keep model.name or model.from, not both");
    const auto steps = c.written_at.find("train.steps");
    if (c.train.minutes > 0 && steps != c.written_at.end() && steps->second.starts_with("--"))
        refuse_settings(c, "the length of the run is given twice", {"train.steps", "train.minutes"},
                        fmt::format("--set train.minutes=0 for {} steps, or leave out train.steps", c.train.steps));
    if (c.sample.every > 0 && c.sample.prompts.empty())
        refuse_settings(c, "there is nothing to sample from", {"sample.every", "sample.prompts"},
                        "--set 'sample.prompts=[\"Once upon\"]'");
}

int64_t in_steps(double duration, int64_t steps) {
    return int64_t(std::llround(duration < 1 ? duration * double(steps) : duration));
}

Resolved resolve(const Config& config, const DataFacts& data, const std::optional<ModelConfig>& base, int ranks) {
    Resolver resolver(config, data, base, ranks);
    try {
        return resolver.resolve();
    } catch (const Error& e) {
        if (!resolver.shares_out) throw;
        const std::string change = mesh_change(config, ranks, [&](const Config& other, int of_ranks) {
            try {
                Resolver(other, data, base, of_ranks).resolve();
                return true;
            } catch (const Error&) { return false; }
        });
        throw Error(e.what(), e.cause, change.empty() ? e.fix : change);
    }
}

}  // namespace gradus
