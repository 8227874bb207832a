// What follows from the settings, and which settings do not go together.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/config.h"

namespace gradus {

namespace {

// A line of the identity that is no setting.
constexpr const char* start_of_cooldown = "start of the cool-down";

// "optimizer.lr = 0.001 (recipe.toml:12:1)"
std::string cited(const Config& c, const std::string& key) {
    Config copy = c;
    std::string text;
    copy.each([&](const std::string& name, auto& storage, const Limits&, OnResume, const char*) {
        if (name != key) return;
        if constexpr (std::is_same_v<std::decay_t<decltype(storage)>, std::optional<bool>>) {
            text = key + " = " + (storage ? *storage ? "true" : "false" : "unset");
        } else {
            text = key + " = " + toml_text(Value(storage));
        }
    });
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
        r.dtype = c.dtype == "bf16" ? DType::bf16 : DType::f32;
        r.cuda = c.device == "cuda";
        r.masked = c.packing == "masked";
        mesh(r);
        micro_batch(r);
        require_divisible(r.model, int(at_once * c.context), r.mesh.tp);
        r.purpose = {.B = int(at_once),
                     .T = int(c.context),
                     .training = true,
                     .recompute = c.recompute,
                     .loss = {c.label_smoothing, c.z_loss},
                     .parts = c.sharded && c.optimizer != "muon" ? r.mesh.dp : 1};
        r.trainer = trainer();
        r.tokens_per_step = c.batch * c.context;
        r.config = c;
        r.identity = identity();
        return r;
    }

private:
    [[noreturn]] void refuse(const std::string& what, std::initializer_list<const char*> keys,
                             const std::string& fix) const {
        refuse_settings(c, what, keys, fix);
    }

    // A size: what was asked for, or what the base has. A base with weights leaves no choice.
    void size(const char* key, int64_t& setting, int64_t base) const {
        if (setting == 0) setting = base;
        else if (from && setting != base)
            refuse(fmt::format("the weights to go on from have {} = {}", key, base), {key},
                   fmt::format("leave out {}, or --set {}={}", key, key, base));
    }
    void number(const char* key, double& setting, double base) const {
        if (setting == 0) setting = base;
        else if (from && setting != base)
            refuse(fmt::format("the weights to go on from have {} = {}", key, base), {key},
                   fmt::format("leave out {}", key));
    }

    ModelConfig base() {
        if (from) return *from;
        if (!c.model_name.empty()) return named_model(c.model_name);
        for (const auto& [key, value] :
             {std::pair{"model.layers", c.layers}, {"model.width", c.width}, {"model.heads", c.heads}})
            if (value == 0)
                refuse("the model has no size", {"model.name", key},
                       fmt::format("--set model.name=gpt2-124m, or --set {}=N", key));
        ModelConfig m;
        const bool llama = c.family == "llama";
        if (llama) {
            m.family = Family::llama;
            m.norm = Norm::rms;
            m.position = Position::rotary;
            m.activation = Activation::silu;
            m.gated = true;
            m.bias = m.tied = false;
        }
        m.G = int(c.heads);
        m.D = 0;
        m.context = int(c.model_context > 0 ? c.model_context : c.context);
        m.V = data.vocab;
        return m;
    }

    ModelConfig model() {
        ModelConfig m = base();
        const bool llama = m.family == Family::llama, free_shape = !from && c.model_name.empty();
        const std::string family = llama ? "llama" : "gpt2";
        if (c.written_at.contains("model.family") && c.family != family)
            refuse("the model is of the family " + family,
                   {"model.family", c.model_name.empty() ? "model.from" : "model.name"}, "leave out model.family");
        c.family = family;

        activation(m);
        size("model.layers", c.layers, m.L);
        size("model.width", c.width, m.C);
        size("model.heads", c.heads, m.H);
        const bool same_heads = c.width == m.C && c.heads == m.H;
        size("model.kv_heads", c.kv_heads, free_shape || !same_heads ? c.heads : m.G);
        size("model.head_width", c.head_width, free_shape || !same_heads ? c.width / c.heads : m.D);
        const int64_t inside = llama ? (c.width * 8 / 3 + 63) / 64 * 64 : 4 * c.width;
        size("model.feed_forward", c.feed_forward, free_shape || c.width != m.C ? inside : m.F);
        if (!from && c.vocab == 0) c.vocab = data.vocab;
        size("model.vocab", c.vocab, m.V);
        if (c.tied && from && *c.tied != m.tied)
            refuse(
                std::string("the model to start from has a head ") + (m.tied ? "tied to its embedding" : "of its own"),
                {"model.tied"}, "leave out model.tied");
        if (!c.tied) c.tied = m.tied;
        number("model.norm_eps", c.norm_eps, m.norm_eps);
        number("model.rope_theta", c.rope_theta, m.rope_theta);
        number("model.init_std", c.init_std, m.init_std);

        contexts(m);
        if (c.vocab < data.vocab)
            refuse(fmt::format("a vocabulary of {} is too small for the data's {} ids", c.vocab, data.vocab),
                   {"model.vocab"},
                   from ? "prepare the data with the tokenizer of the model to start from" : "leave out model.vocab");

        m.L = int(c.layers);
        m.C = int(c.width);
        m.H = int(c.heads);
        m.G = int(c.kv_heads);
        m.D = int(c.head_width);
        m.F = int(c.feed_forward);
        m.V = int(c.vocab);
        m.context = int(c.model_context);
        m.tied = *c.tied;
        m.norm_eps = c.norm_eps;
        m.rope_theta = c.rope_theta;
        m.init_std = c.init_std;
        m.end_of_text = data.end_of_text;
        validate(m, "[model]");
        require_describable(m);
        return m;
    }

    void activation(ModelConfig& m) {
        const std::string base = name_of(m.activation);
        if (c.activation.empty()) c.activation = base;
        if (c.activation == base) return;
        if (from)
            refuse("the weights to go on from were made with " + base, {"model.activation"},
                   "leave out model.activation");
        if (m.family == Family::llama || c.activation == "silu")
            refuse("the family " + c.family + " is not computed with " + c.activation, {"model.activation"},
                   "leave out model.activation");
        m.activation = c.activation == "gelu_erf" ? Activation::gelu_erf : Activation::gelu_tanh;
    }

    void contexts(const ModelConfig& m) {
        if (c.model_context == 0) c.model_context = m.context;
        if (c.context == 0) c.context = c.model_context;
        if (c.context == 0)
            refuse("the length of a sequence is not known", {"train.context", "model.context"},
                   "--set train.context=256");
        if (m.position == Position::learned && c.context > c.model_context)
            refuse(fmt::format("sequences of {} tokens are longer than the model's {} learned positions", c.context,
                               c.model_context),
                   {"train.context", "model.context"}, fmt::format("--set train.context={}", c.model_context));
        if (m.position == Position::learned && from && c.model_context != m.context)
            refuse(fmt::format("the model to start from has {} learned positions", m.context), {"model.context"},
                   "leave out model.context");
        c.model_context = std::max(c.model_context, c.context);  // rotary positions go as far as they are asked to
    }

    int64_t in_steps(double duration) const {
        return int64_t(std::llround(duration < 1 ? duration * double(c.steps) : duration));
    }

    void steps_and_rates() const {
        if (c.min_lr > c.lr && c.schedule != "constant")
            refuse("the lowest learning rate is above the highest", {"optimizer.min_lr", "optimizer.lr"},
                   fmt::format("--set optimizer.min_lr={}", c.lr / 10));
        for (const char* key : {"optimizer.warmup", "optimizer.cooldown"}) {
            const double duration = std::string(key) == "optimizer.warmup" ? c.warmup : c.cooldown;
            if (duration >= 1 && duration != std::floor(duration))
                refuse("a duration is neither a number of steps nor a share of them", {key},
                       "write a whole number, or a share below 1");
        }
        const bool wsd = c.schedule == "wsd";
        if (wsd && c.cooldown == 0)
            refuse("the schedule wsd has no cool-down", {"optimizer.schedule", "optimizer.cooldown"},
                   "--set optimizer.cooldown=0.2");
        if (!wsd && c.cooldown > 0)
            refuse("only the schedule wsd has a cool-down", {"optimizer.cooldown", "optimizer.schedule"},
                   "--set optimizer.schedule=wsd, or leave out optimizer.cooldown");
        if (in_steps(c.warmup) + (wsd ? in_steps(c.cooldown) : 0) > c.steps) {
            if (wsd)
                refuse("warm-up and cool-down are longer than the run",
                       {"optimizer.warmup", "optimizer.cooldown", "train.steps"},
                       "--set optimizer.warmup=0.02 --set optimizer.cooldown=0.2");
            refuse("the warm-up is longer than the run", {"optimizer.warmup", "train.steps"},
                   "--set optimizer.warmup=0.02");
        }
        if (c.stochastic_rounding && c.optimizer == "muon")
            refuse("Muon's matrices are rounded to the nearest alone",
                   {"optimizer.stochastic_rounding", "optimizer.kind"},
                   "--set optimizer.kind=adamw, or leave out optimizer.stochastic_rounding");
        if (c.stochastic_rounding && c.dtype == "f32")
            refuse("f32 weights are not rounded", {"optimizer.stochastic_rounding", "train.dtype"},
                   "--set train.dtype=bf16, or leave out optimizer.stochastic_rounding");
    }

    // Bytes that the activations of one sequence take, within a tenth or so: the large tensors of each block.
    double bytes_of_a_sequence() const {
        const double stream = double(c.width), heads = double(c.heads * c.head_width),
                     qkv = double((c.heads + 2 * c.kv_heads) * c.head_width),
                     up = double(c.feed_forward) * (c.family == "llama" ? 3 : 2);
        const double block = 3 * stream + qkv + heads + up;
        const double kept = double(c.layers) * (c.recompute ? stream : stream + block);
        return double(c.context) * (kept + 2 * block) * (c.dtype == "bf16" ? 2 : 4);
    }

    void mesh(Resolved& r) const {
        r.mesh = gradus::resolve(MeshSizes{.dp = int(c.mesh_dp), .tp = int(c.mesh_tp)}, launched);
        if (c.optimizer == "muon" && r.mesh.tp > 1)
            refuse("Muon needs whole matrices, and the ranks of mesh.tp have parts of them",
                   {"optimizer.kind", "mesh.tp"}, "--set mesh.tp=1, or --set optimizer.kind=adamw");
        if (c.batch % r.mesh.dp != 0)
            refuse(fmt::format("{} ranks cannot share out a batch of {} sequences", r.mesh.dp, c.batch),
                   {"train.batch", "mesh.dp"},
                   fmt::format("--set train.batch={}", (c.batch + r.mesh.dp - 1) / r.mesh.dp * r.mesh.dp));
    }

    // Of a rank. What is chosen here is not written into the settings: on another mesh the choice is another.
    void micro_batch(const Resolved& r) {
        if (c.memory == 0) c.memory = r.cuda ? 48 : 2;
        const int64_t batch = c.batch / r.mesh.dp;
        // The rows of a micro-batch must divide by the ranks of tp as well.
        auto possible = [&](int64_t n) { return batch % n == 0 && n * c.context % r.mesh.tp == 0; };
        at_once = c.micro_batch;
        if (at_once == 0) {
            const double fits = c.memory * double(1 << 30) / bytes_of_a_sequence() * r.mesh.tp;
            at_once = 1;
            for (int64_t n = 1; n <= batch; ++n)
                if (possible(n) && (double(n) <= fits || !possible(at_once))) at_once = n;
        }
        // A recipe that was written for one rank runs on others: at once is then at most.
        while (r.mesh.dp > 1 && at_once > 1 && !possible(at_once)) --at_once;
        if (batch % at_once != 0) {
            int64_t lower = std::min(at_once, batch);
            while (batch % lower != 0) --lower;
            refuse("the micro-batch does not divide the batch", {"train.micro_batch", "train.batch"},
                   fmt::format("--set train.micro_batch={}", lower));
        }
        constexpr int64_t most_rows = int64_t(1) << 31;
        if (at_once * c.context >= most_rows)
            refuse("a micro-batch of this many tokens cannot be counted", {"train.micro_batch", "train.context"},
                   "--set train.micro_batch=1, or a shorter train.context");
    }

    TrainerConfig trainer() const {
        const Decay decay = c.schedule == "constant" ? Decay::constant
                            : c.schedule == "cosine" ? Decay::cosine
                            : c.schedule == "linear" ? Decay::linear
                                                     : Decay::wsd;
        TrainerConfig t;
        t.batch = int(c.batch);
        t.micro_batch = int(at_once);
        t.context = int(c.context);
        t.dropout = c.dropout;
        t.seed = uint64_t(c.seed);
        t.schedule = {decay, c.lr, c.min_lr, in_steps(c.warmup), c.steps, in_steps(c.cooldown)};
        t.optimizer = {.kind = c.optimizer == "muon" ? OptimizerKind::muon : OptimizerKind::adamw,
                       .beta1 = c.beta1,
                       .beta2 = c.beta2,
                       .eps = c.eps,
                       .weight_decay = c.weight_decay,
                       .momentum = c.momentum,
                       .clip = c.clip,
                       .stochastic_rounding = c.stochastic_rounding,
                       .sharded = c.sharded,
                       .seed = uint64_t(c.seed)};
        t.stability = {c.sigma, int(c.stability_window), int(c.stability_in_a_row), c.stability_rate_factor};
        return t;
    }

    std::string identity() const {
        Config copy = c;
        std::string text;
        // A flat rate does not depend on the number of steps, so such a run may go on for longer; its warm-up is past by
        // then, and its cool-down may move as long as it lies ahead.
        const bool wsd = c.schedule == "wsd", open_ended = c.schedule == "constant" || wsd;
        copy.each([&](const std::string& key, auto& storage, const Limits&, OnResume on_resume, const char*) {
            if (on_resume == OnResume::free) return;
            if (key == "train.steps" && open_ended) {
                if (wsd) text += fmt::format("{} = {}\n", start_of_cooldown, c.steps - in_steps(c.cooldown));
                return;
            }
            if (key == "optimizer.warmup") {
                text += fmt::format("{} = {}\n", key, in_steps(c.warmup));
                return;
            }
            if constexpr (std::is_same_v<std::decay_t<decltype(storage)>, std::optional<bool>>)
                text += key + " = " + toml_text(*storage);
            else text += key + " = " + toml_text(Value(storage));
            text += "\n";
        });
        return text + "data = " + data.identity + "\n";
    }

    Config c;
    const DataFacts& data;
    const std::optional<ModelConfig>& from;
    const int launched;
    int64_t at_once = 1;  // sequences of a micro-batch
};

std::map<std::string, std::string> lines_of(const std::string& identity) {
    std::map<std::string, std::string> values;
    for (size_t start = 0; start < identity.size();) {
        const size_t end = std::min(identity.find('\n', start), identity.size());
        const std::string line = identity.substr(start, end - start);
        if (const size_t equals = line.find(" = "); equals != std::string::npos)
            values[line.substr(0, equals)] = line.substr(equals + 3);
        start = end + 1;
    }
    return values;
}

int64_t whole_or_zero(const std::string& digits) {
    int64_t n = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return n;
}

}  // namespace

void check_sources(const Config& c) {
    if (c.run_dir.empty()) refuse_settings(c, "the run has no folder", {"run.dir"}, "--set run.dir=runs/NAME");
    if (c.data_dir.empty() == c.data_train.empty())
        refuse_settings(
            c, c.data_dir.empty() ? "there is no data to train on" : "there are two sources of data",
            {"data.dir", "data.train"},
            c.data_dir.empty()
                ? "--set data.dir=FOLDER, a folder made by: gradus data prepare TEXTS --tokenizer FILE --out FOLDER"
                : "keep data.dir or data.train, not both");
    if (!c.model_name.empty() && !c.model_from.empty())
        refuse_settings(c, "the model has two origins", {"model.name", "model.from"},
                        "keep model.name or model.from, not both");
    if (c.sample_every > 0 && c.sample_prompts.empty())
        refuse_settings(c, "there is nothing to sample from", {"sample.every", "sample.prompts"},
                        "--set 'sample.prompts=[\"Once upon\"]'");
}

Resolved resolve(const Config& config, const DataFacts& data, const std::optional<ModelConfig>& base, int ranks) {
    return Resolver(config, data, base, ranks).resolve();
}

void require_same_run(const std::string& begun, const Resolved& now, int64_t steps_done) {
    auto then = lines_of(begun), here = lines_of(now.identity);
    for (const auto& [key, value] : here) {
        const auto found = then.find(key);
        if (found == then.end() || found->second == value) continue;
        if (key == start_of_cooldown) {
            const int64_t earliest = std::min(whole_or_zero(found->second), whole_or_zero(value));
            if (steps_done <= earliest) continue;
            throw Error(
                fmt::format("the run cannot get another number of steps: its cool-down begins after {} of them",
                            found->second),
                fmt::format("{} are done, and by {} it would begin after {}", steps_done,
                            cited(now.config, "train.steps"), value),
                "leave out train.steps, or go on from an older checkpoint, or start another run: --set run.dir=OTHER");
        }
        const std::string fix =
            key == "data" ? "point data.dir at the data that the run began with" : "--set " + key + "=" + found->second;
        throw Error("this run began with " + key + " = " + found->second + ", the recipe says " + value,
                    key == "data" ? "the shards or the tokenizer of this data are others" : cited(now.config, key),
                    fix + ", or start another run: --set run.dir=OTHER");
    }
}

}  // namespace gradus
