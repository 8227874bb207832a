// Resolves the model: from the weights to start from, a named shape, or sizes.
#include <fmt/format.h>

#include "engine/models/family.h"
#include "engine/resolve/resolving.h"

namespace gradus {

namespace {

class ResolvedModel {
public:
    explicit ResolvedModel(Resolving& resolving) : r(resolving), s(resolving.c.model), from(r.base), m(start()) {}

    ModelConfig complete() {
        require_family();
        activation();
        sizes();
        constants();
        resolve_contexts(r, m);
        if (s.vocab < r.data.vocab)
            r.refuse(fmt::format("a vocabulary of {} is too small for the data's {} ids", s.vocab, r.data.vocab),
                     {"model.vocab"},
                     from ? "prepare the data with the tokenizer of the model to start from" : "leave out model.vocab");
        take_settings();
        validate(m, "[model]");
        require_describable(m);
        return m;
    }

private:
    bool free_shape() const { return !from && s.name.empty(); }

    ModelConfig start() {
        if (from) return *from;
        if (!s.name.empty()) return named_model(s.name);
        for (const auto& [key, value] :
             {std::pair{"model.layers", s.layers}, {"model.width", s.width}, {"model.heads", s.heads}})
            if (value == 0)
                r.refuse("the model has no size", {"model.name", key},
                         fmt::format("--set model.name=gpt2-124m, or --set {}=N", key));
        ModelConfig model = family_named(s.family).defaults;
        model.G = int(s.heads);
        model.D = 0;
        model.context = int(s.context > 0 ? s.context : r.c.train.context);
        model.V = r.data.vocab;
        return model;
    }

    void require_family() {
        if (r.c.written_at.contains("model.family") && s.family != m.family)
            r.refuse("the model is of the family " + m.family,
                     {"model.family", s.name.empty() ? "model.from" : "model.name"}, "leave out model.family");
        s.family = m.family;
    }

    void activation() {
        const std::string base = name_of(m.activation);
        if (s.activation.empty()) s.activation = base;
        if (s.activation == base) return;
        if (from)
            r.refuse("the weights to start from were made with " + base, {"model.activation"},
                     "leave out model.activation");
        for (const Activation a : family_named(m.family).activations)
            if (s.activation == name_of(a)) {
                m.activation = a;
                return;
            }
        r.refuse("the family " + m.family + " does not support " + s.activation, {"model.activation"},
                 "leave out model.activation");
    }

    void sizes() {
        const Family& family = family_named(m.family);
        size("model.layers", s.layers, m.L);
        size("model.width", s.width, m.C);
        size("model.heads", s.heads, m.H);
        const bool same_heads = !free_shape() && s.width == m.C && s.heads == m.H;
        follow("model.kv_heads", s.kv_heads, same_heads ? m.G : s.heads, m.G);
        if (s.head_width == 0 && !same_heads) require_whole_heads(family.free_heads);
        follow("model.head_width", s.head_width, same_heads ? m.D : s.width / s.heads, m.D);
        const bool same_width = !free_shape() && s.width == m.C;
        follow("model.feed_forward", s.feed_forward, same_width ? m.F : family.feed_forward_width(s.width), m.F);
        if (!from && s.vocab == 0) s.vocab = r.data.vocab;
        size("model.vocab", s.vocab, m.V);
    }

    void constants() {
        if (s.tied && from && *s.tied != m.tied)
            r.refuse(std::string("the model to start from has a head ") +
                         (m.tied ? "tied to its embedding" : "separate from its embedding"),
                     {"model.tied"}, s.tied == true ? "--set model.tied=false" : "--set model.tied=true");
        if (!s.tied) s.tied = m.tied;
        number("model.norm_eps", s.norm_eps, m.norm.eps);
        number("model.rope_theta", s.rope_theta, m.rope.theta);
        number("model.init_std", s.init_std, m.init_std);
        if (m.position == Position::learned && s.rope_theta != m.rope.theta)
            r.refuse("learned positions have no rotary frequencies", {"model.rope_theta", "model.family"},
                     "leave out model.rope_theta");
    }

    // A size: the requested one, or the base's. Weights to start from fix it.
    void size(const char* key, int64_t& setting, int64_t base) const {
        if (setting == 0) setting = base;
        else if (from && setting != base)
            r.refuse(fmt::format("the weights to start from have {} = {}", key, base), {key},
                     fmt::format("leave out {}, or --set {}={}", key, key, base));
    }
    void number(const char* key, double& setting, double base) const {
        if (setting == 0) setting = base;
        else if (from && setting != base)
            r.refuse(fmt::format("the weights to start from have {} = {}", key, base), {key},
                     fmt::format("leave out {}", key));
    }

    // A size that is recomputed when other sizes of a named shape were changed; a note says so.
    void follow(const char* key, int64_t& setting, int64_t value, int64_t named) const {
        const bool chosen = setting == 0 && !from && !s.name.empty();
        size(key, setting, value);
        if (chosen && value != named)
            r.notes.push_back(
                fmt::format("{} is {}, from the changed width or heads; {} has {}", key, value, s.name, named));
    }

    void require_whole_heads(bool free_heads) const {
        const int64_t unit = s.heads * (m.position == Position::rotary ? 2 : 1);  // rotary positions rotate pairs
        if (s.width % s.heads == 0) return;
        r.refuse(fmt::format("{} heads do not divide the width {}", s.heads, s.width), {"model.width", "model.heads"},
                 fmt::format("--set model.width={}{}", (s.width + unit - 1) / unit * unit,
                             free_heads ? ", or --set model.head_width=N" : ""));
    }

    void take_settings() {
        m.L = int(s.layers);
        m.C = int(s.width);
        m.H = int(s.heads);
        m.G = int(s.kv_heads);
        m.D = int(s.head_width);
        m.F = int(s.feed_forward);
        m.V = int(s.vocab);
        m.context = int(s.context);
        m.tied = *s.tied;
        m.norm.eps = s.norm_eps;
        m.rope.theta = s.rope_theta;
        m.init_std = s.init_std;
        m.end_of_text = r.data.end_of_text;
    }

    Resolving& r;
    ModelSettings& s;
    const std::optional<ModelConfig>& from;
    ModelConfig m;
};

}  // namespace

ModelConfig resolve_model(Resolving& r) { return ResolvedModel(r).complete(); }

}  // namespace gradus
