// Settings in and out: from a recipe and the command line into Config, and back into text.
#include "engine/config.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/base/suggest.h"

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

template <class Storage>
constexpr const char* example_of() {
    if constexpr (std::is_same_v<Storage, bool> || std::is_same_v<Storage, std::optional<bool>>) return "true";
    else if constexpr (std::is_same_v<Storage, int64_t>) return "100";
    else if constexpr (std::is_same_v<Storage, double>) return "0.1";
    else if constexpr (std::is_same_v<Storage, std::string>) return "\"text\"";
    else return "[\"one\", \"two\"]";
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
    const std::string near = nearest_name(value, l.choices);
    throw Error(fmt::format("{} cannot be '{}'", s.key, value), s.where,
                (near.empty() ? "" : "did you mean '" + near + "'? ") + "it must be " + text_of(l));
}
void check_limits(const Setting& s, int64_t value, const Limits& l) { check_limits(s, double(value), l); }
void check_limits(const Setting&, const std::optional<bool>&, const Limits&) {}
void check_limits(const Setting&, const std::vector<std::string>&, const Limits&) {}

[[noreturn]] void unknown(Config& config, const Setting& s) {
    std::vector<std::string> names;
    config.each([&](const char* key, auto&, const Limits&, OnResume, const char*) { names.push_back(key); });
    const std::string near = nearest_name(s.key, names);
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
bool is_set(const Storage&) {
    return true;
}
bool is_set(const std::optional<bool>& v) { return v.has_value(); }

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
            if (!assign(value, s))
                throw Error(fmt::format("{} = {} is not {}", s.key, toml_text(s.value), kind_wanted<Storage>()),
                            s.where, fmt::format("write {} = {}", s.key, example_of<Storage>()));
            if constexpr (!std::is_same_v<Storage, bool>) check_limits(s, value, limits);
            storage = value;
        });
        if (!found) unknown(config, s);
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
    config.each([&](const std::string& key, auto& storage, const Limits&, OnResume, const char*) {
        if (!is_set(storage)) return;
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
        const std::string value = is_set(storage) ? toml_text(value_of(storage)) : "unset";
        const std::string allowed = text_of(limits);
        text += fmt::format("  {:<30} {}\n      {}\n", key + " = " + value,
                            (allowed.empty() ? "" : allowed + "; ") +
                                (on_resume == OnResume::same ? "fixed once a run has begun" : "may change on resume"),
                            help);
    });
    return text;
}

}  // namespace gradus
