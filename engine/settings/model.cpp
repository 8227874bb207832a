// The families' part of the model settings.
#include "engine/settings/model.h"

#include "engine/models/family.h"

namespace gradus {

namespace {

std::string activations_of(const Family& f) {  // the default first
    std::string names = name_of(f.defaults.activation);
    for (const Activation a : f.activations)
        if (a != f.defaults.activation) names += std::string(", ") + name_of(a);
    return names;
}

}  // namespace

std::vector<Choice> family_choices() {
    std::vector<Choice> choices;
    for (const Family* f : families())
        choices.push_back({f->name, std::vector<std::string>(f->other_names.begin(), f->other_names.end())});
    return choices;
}

std::string shape_names() {
    std::string text;
    for (const Family* f : families())
        for (const NamedShape& shape : f->shapes) text += (text.empty() ? "" : ", ") + std::string(shape.name);
    return text;
}

FamilyTexts family_texts() {
    FamilyTexts all;
    for (const Family* f : families()) {
        const auto add = [&](std::string& to, const std::string& text) {
            to += (to.empty() ? "" : "; ") + std::string(f->name) + ": " + text;
        };
        const ModelConfig& m = f->defaults;
        add(all.summaries, f->summary);
        add(all.activations, activations_of(*f));
        add(all.sharing_of_heads, f->free_heads ? "or fewer" : "always heads");
        add(all.feed_forward, f->feed_forward_text);
        add(all.tied, toml_text(m.tied));
        add(all.norm_eps, toml_text(m.norm.eps));
        if (m.position == Position::rotary) add(all.rope_theta, toml_text(m.rope.theta));
        add(all.init_std, toml_text(m.init_std));
    }
    return all;
}

}  // namespace gradus
