#include "tools/rounds/rounds_config.h"

#include <algorithm>

#include "engine/base/error.h"
#include "tools/find_recipe.h"

namespace gradus {

namespace {

void require(bool is_given, const std::string& what, const std::string& key, const std::string& example) {
    if (!is_given) throw Error(what, key + " is not set", "--" + key + "=" + example + ", or write it in the recipe");
}

}  // namespace

std::vector<DeclaredSetting> declared(RoundsConfig& config) { return collect_settings(config); }

RoundsConfig load_rounds(const std::string& recipe, const std::vector<std::string>& assignments) {
    RoundsConfig c;
    if (!recipe.empty()) {
        const FoundRecipe found = find_recipe(recipe);
        const std::vector<Setting> settings = read_settings(found.file);
        if (std::none_of(settings.begin(), settings.end(),
                         [](const Setting& s) { return s.key.starts_with("rounds."); }))
            throw Error("'" + recipe + "' has no rounds",
                        "its recipe has no section [rounds], so it is of another command",
                        "name the folder of rounds or a recipe with that section: gradus rounds --help-settings");
        apply_settings(c, settings);
        if (!found.run.empty()) c.run.dir = found.run;
    }
    for (const std::string& a : assignments) apply_settings(c, {parse_assignment(a)});
    require(!c.run.dir.empty(), "the rounds have no folder", "run.dir", "runs/rounds");
    require(!c.rounds.policy.empty(), "there is no model to begin with", "rounds.policy", "runs/sft");
    require(!c.rounds.prompts.empty(), "there are no prompts", "rounds.prompts", "prompts.jsonl");
    return c;
}

void require_same_rounds(RoundsConfig then, RoundsConfig now) {
    const std::vector<DeclaredSetting> begun = declared(then), here = declared(now);
    std::string changes;
    for (size_t i = 0; i < here.size(); ++i) {
        if (here[i].on_resume == OnResume::free || here[i].value() == begun[i].value()) continue;
        changes += (changes.empty() ? "" : ", ") + here[i].key + ", which was " + toml_text(*begun[i].value());
    }
    if (changes.empty()) return;
    throw Error("these rounds began with other settings", changes, "set them as they were, or --run.dir=OTHER");
}

}  // namespace gradus
