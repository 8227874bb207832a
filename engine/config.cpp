// Settings in and out: from a recipe and the command line into Config, and back into text.
#include "engine/config.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/setting_names.h"

namespace gradus {

namespace {

template <class Storage>
constexpr const char* kind_wanted() {
    if constexpr (std::is_same_v<Storage, bool> || std::is_same_v<Storage, std::optional<bool>>) return "true or false";
    else if constexpr (std::is_same_v<Storage, int64_t>) return "a whole number";
    else if constexpr (std::is_same_v<Storage, double>) return "a number";
    else if constexpr (std::is_same_v<Storage, std::string>) return "a string";
    else return "a list of strings";
}

// False where the value is of another kind. A whole number may stand for a number, and 1e6 for a whole number.
bool assign(std::string& out, const Setting& s) {
    const auto* text = std::get_if<std::string>(&s.value);
    if (!text && s.typed.empty()) return false;
    out = text ? *text : s.typed;
    return true;
}
bool assign(bool& out, const Setting& s) {
    const auto* flag = std::get_if<bool>(&s.value);
    if (flag) out = *flag;
    return flag;
}
bool assign(std::optional<bool>& out, const Setting& s) {
    bool flag = false;
    if (!assign(flag, s)) return false;
    out = flag;
    return true;
}
bool assign(double& out, const Setting& s) {
    if (const auto* whole = std::get_if<int64_t>(&s.value)) out = double(*whole);
    else if (const auto* number = std::get_if<double>(&s.value)) out = *number;
    else return false;
    return true;
}
bool assign(int64_t& out, const Setting& s) {
    if (const auto* whole = std::get_if<int64_t>(&s.value)) {
        out = *whole;
        return true;
    }
    const auto* number = std::get_if<double>(&s.value);
    if (!number || std::abs(*number) > 9e15 || *number != std::floor(*number)) return false;
    out = int64_t(*number);
    return true;
}
bool assign(std::vector<std::string>& out, const Setting& s) {
    if (const auto* list = std::get_if<std::vector<std::string>>(&s.value)) {
        out = *list;
        return true;
    }
    std::string one;
    if (!assign(one, s)) return false;
    out = {one};
    return true;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& w : words) text += (text.empty() ? "" : ", ") + w;
    return text;
}

std::string text_of(const Limits& l) {
    if (!l.choices.empty()) return "one of " + joined(l.choices);
    if (std::isinf(l.least) && std::isinf(l.most)) return "";
    if (std::isinf(l.most)) return fmt::format("at least {}", l.least);
    return fmt::format("between {} and {}", l.least, l.most);
}

void check_limits(const Setting& s, double value, const Limits& l) {
    if (value >= l.least && value <= l.most) return;  // false for NaN
    throw Error(fmt::format("{} = {} is out of its limits", s.key, toml_text(s.value)), s.where,
                s.key + " must be " + text_of(l));
}
void check_limits(const Setting& s, const std::string& value, const Limits& l) {
    if (l.choices.empty()) return;
    for (const std::string& choice : l.choices)
        if (value == choice) return;
    const std::string near = choice_meant(s.key, value, l.choices);
    throw Error(fmt::format("{} cannot be '{}'", s.key, value), s.where,
                (near.empty() ? "" : "did you mean '" + near + "'? ") + "it must be " + text_of(l));
}
void check_limits(const Setting& s, int64_t value, const Limits& l) { check_limits(s, double(value), l); }
void check_limits(const Setting&, const std::optional<bool>&, const Limits&) {}
void check_limits(const Setting&, const std::vector<std::string>&, const Limits&) {}

[[noreturn]] void unknown(const Setting& s) {
    const std::string near = setting_meant(s.key);
    throw Error(
        "unknown setting '" + s.key + "'", s.where,
        (near.empty() ? "" : "did you mean '" + near + "'? ") + "gradus pretrain --help-settings lists them all");
}

Value value_of(const std::string& v) { return v; }
Value value_of(bool v) { return v; }
Value value_of(const std::optional<bool>& v) { return *v; }
Value value_of(double v) { return v; }
Value value_of(int64_t v) { return v; }
Value value_of(const std::vector<std::string>& v) { return v; }

template <class Storage>
bool is_set(const Storage&, const Limits&) {
    return true;
}
bool is_set(const std::optional<bool>& v, const Limits&) { return v.has_value(); }
bool is_set(const std::string& v, const Limits& l) { return !v.empty() || l.choices.empty(); }

// A value of the right kind to type: what was written, in quotes where only they are missing, else the default.
std::string example_of(const Setting& s, const std::string& by_default) {
    return std::holds_alternative<std::string>(s.value) ? by_default : toml_text(toml_text(s.value));
}
std::string example_of(const Setting& s, const std::vector<std::string>&) {
    return "[" + (std::holds_alternative<std::string>(s.value) ? toml_text(s.value) : toml_text(toml_text(s.value))) +
           "]";
}
std::string example_of(const Setting&, bool) { return "true"; }
std::string example_of(const Setting&, const std::optional<bool>&) { return "true"; }
std::string example_of(const Setting&, int64_t by_default) { return toml_text(by_default); }
std::string example_of(const Setting&, double by_default) { return toml_text(by_default); }

template <class Storage>
[[noreturn]] void wrong_kind(const Setting& s, const Storage& by_default, const Limits& limits) {
    const bool flag = std::is_same_v<Storage, bool> || std::is_same_v<Storage, std::optional<bool>>,
               on_command_line = s.where.starts_with("--"), number = std::is_arithmetic_v<Storage> && !flag;
    std::string fix = (on_command_line ? "--set " + s.key + "=" : "write " + s.key + " = ") + example_of(s, by_default);
    if (flag) fix += ", or false";
    const std::string allowed = text_of(limits);
    if (number)
        fix += std::string(", or another ") + (kind_wanted<Storage>() + 2) + (allowed.empty() ? "" : " " + allowed);
    throw Error(fmt::format("{} = {} is not {}", s.key, toml_text(s.value), kind_wanted<Storage>()), s.where, fix);
}

std::string table_of(const std::string& key) { return key.substr(0, key.find('.')); }

}  // namespace

void apply_settings(Config& config, const std::vector<Setting>& settings) {
    for (const Setting& s : settings) {
        bool found = false;
        config.each([&](const char* key, auto& storage, const Limits& limits, OnResume, const char*) {
            if (s.key != key) return;
            using Storage = std::decay_t<decltype(storage)>;
            found = true;
            Storage value{};
            if (!assign(value, s)) {
                Config defaults;
                defaults.each([&](const char* name, auto& by_default, const Limits&, OnResume, const char*) {
                    if constexpr (std::is_same_v<std::decay_t<decltype(by_default)>, Storage>)
                        if (s.key == name) wrong_kind(s, by_default, limits);
                });
            }
            if constexpr (!std::is_same_v<Storage, bool>) check_limits(s, value, limits);
            storage = value;
        });
        if (!found) unknown(s);
        config.written_at[s.key] = s.where;
    }
}

Config load_config(const fs::path& recipe, const std::vector<std::string>& assignments) {
    Config config;
    apply_settings(config, read_settings(recipe));
    for (const std::string& a : assignments) apply_settings(config, {parse_assignment(a)});
    return config;
}

std::string recipe_text(const Config& c) {
    Config config = c;
    std::string text, table;
    config.each([&](const std::string& key, auto& storage, const Limits& limits, OnResume, const char*) {
        if (!is_set(storage, limits)) return;
        if (table_of(key) != table) {
            text += (table.empty() ? "[" : "\n[") + table_of(key) + "]\n";
            table = table_of(key);
        }
        text += key.substr(table.size() + 1) + " = " + toml_text(value_of(storage)) + "\n";
    });
    return text;
}

std::string settings_help() {
    Config defaults;
    std::string text =
                    "Every setting, its default, its limits. In a recipe: a line  key = value  under  [table]; on the\n"
                    "command line: --set table.key=value.\n",
                table;
    defaults.each([&](const std::string& key, auto& storage, const Limits& limits, OnResume on_resume,
                      const char* help) {
        if (table_of(key) != table) text += "\n";
        table = table_of(key);
        const std::string value = is_set(storage, limits) ? toml_text(value_of(storage)) : "unset";
        const std::string allowed = text_of(limits);
        text += fmt::format("  {:<30} {}\n      {}\n", key + " = " + value,
                            (allowed.empty() ? "" : allowed + "; ") +
                                (on_resume == OnResume::same ? "fixed once a run has begun" : "may change on resume"),
                            help);
    });
    return text;
}

}  // namespace gradus
