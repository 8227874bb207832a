#pragma once
// Settings of a command: declared once, then read, checked, echoed, explained and compared from that declaration.
//
// A section is a struct with fields, their defaults, a name and a list of its settings:
//
//     struct LossSettings {
//         static constexpr const char* section = "loss";
//         double z_loss = 0;
//         template <class Visit> void each(Visit&& visit) {
//             visit("z_loss", z_loss, between(0, 1), OnResume::fixed, "weight of the squared log-sum-exp", {"z"});
//         }
//     };
//
// visit() takes name, field, limits, whether a resumed run may change it, help, and names that other programs use (or
// nothing). A field is a bool, std::optional<bool> (may be unset), int64_t, double, std::string or list of strings.
//
// A command composes the sections that it needs. Everything below works on any such struct:
//
//     struct Config {
//         LossSettings loss;
//         std::map<std::string, std::string> written_at;
//         static constexpr const char* help_command = "gradus pretrain --help-settings";
//         template <class Visit> void each_section(Visit&& visit) { visit(loss); }
//     };
//
// A header that declares `std::vector<DeclaredSetting> declared(Config&)` and a source file that returns
// collect_settings(config) from it keep the list out of the other files of a program.
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/config_file.h"

namespace gradus {

// One of the strings that a setting may be, and what other programs call it.
struct Choice {
    std::string name;
    std::vector<std::string> other_names = {};
};

// The values that are allowed.
struct Limits {
    double least = -std::numeric_limits<double>::infinity(), most = std::numeric_limits<double>::infinity();
    std::vector<Choice> choices = {};  // of a string; empty: any string
};
inline Limits between(double least, double most) { return {least, most, {}}; }
inline Limits one_of(std::vector<Choice> choices) { return {.choices = std::move(choices)}; }

// Whether a resumed run must have the value that the run began with.
enum class OnResume { fixed, free };

struct DeclaredSetting {
    std::string key;  // "loss.z_loss"
    std::variant<bool*, std::optional<bool>*, int64_t*, double*, std::string*, std::vector<std::string>*> field;
    Limits limits;
    OnResume on_resume = OnResume::fixed;
    std::string help;
    std::vector<std::string> other_names;  // in lower case with underscores

    std::optional<Value> value() const;  // nothing where the field is unset
    bool is_set() const;                 // also false for an empty string if the setting has choices
};

// The settings of all sections, in their order. The fields belong to `config`.
template <class Config>
std::vector<DeclaredSetting> collect_settings(Config& config) {
    std::vector<DeclaredSetting> all;
    config.each_section([&](auto& section) {
        const std::string prefix = std::string(section.section) + ".";
        section.each([&](const char* name, auto& field, Limits limits, OnResume on_resume, std::string help,
                         std::vector<std::string> other_names = {}) {
            all.push_back(
                {prefix + name, &field, std::move(limits), on_resume, std::move(help), std::move(other_names)});
        });
    });
    return all;
}

// ---- for lists of settings, called by the templates below ---------------------------------------------

using WrittenAt = std::map<std::string, std::string>;

void apply_settings(const std::vector<DeclaredSetting>& to, const std::vector<DeclaredSetting>& defaults, WrittenAt&,
                    const std::string& help_command, const std::vector<Setting>&);
std::string recipe_text(const std::vector<DeclaredSetting>&);
std::string settings_help(const std::vector<DeclaredSetting>&);
std::string setting_meant(const std::string& key, const std::vector<DeclaredSetting>&);

// ---- for each composition of sections -------------------------------------------------------------------------------

// The defaults of a composition; one whose defaults depend on a choice has an overload of its own.
template <class Config>
Config defaults_of(const Config&) {
    return {};
}

// Applies settings in order: the last one wins. Errors name the location, the limits and the nearest name.
template <class Config>
void apply_settings(Config& config, const std::vector<Setting>& settings) {
    Config defaults = defaults_of(config);
    apply_settings(declared(config), declared(defaults), config.written_at, config.help_command, settings);
}

// The settings as a recipe; reading it gives the same settings.
template <class Config>
std::string recipe_text(const Config& config) {
    Config copy = config;
    return recipe_text(declared(copy));
}

// All settings with default, limits and help, for --help-settings.
template <class Config>
std::string settings_help(Config defaults = {}) {
    return settings_help(declared(defaults));
}

// All keys, in order.
template <class Config>
std::vector<std::string> setting_names(Config defaults = {}) {
    std::vector<std::string> names;
    for (const DeclaredSetting& s : declared(defaults)) names.push_back(s.key);
    return names;
}

// The setting that was meant by a key that does not exist, or "". `optimizer.learning_rate` means `optimizer.lr`.
template <class Config>
std::string setting_meant(const std::string& key, Config defaults = {}) {
    return setting_meant(key, declared(defaults));
}

// The choice that was meant by an unknown value, or "". `gpu` means `cuda`.
std::string choice_meant(const std::string& value, const std::vector<Choice>&);

}  // namespace gradus
