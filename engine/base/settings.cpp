#include "engine/base/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "engine/base/error.h"
#include "engine/base/suggest.h"

namespace gradus {

namespace {

template <class Field>
constexpr bool is_flag = std::is_same_v<Field, bool> || std::is_same_v<Field, std::optional<bool>>;

template <class Field>
constexpr const char* kind_wanted() {
    if constexpr (is_flag<Field>) return "true or false";
    else if constexpr (std::is_same_v<Field, int64_t>) return "a whole number";
    else if constexpr (std::is_same_v<Field, double>) return "a number";
    else if constexpr (std::is_same_v<Field, std::string>) return "a string";
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

std::string text_of(const Limits& l) {
    if (!l.choices.empty()) {
        std::string names;
        for (const Choice& c : l.choices) names += (names.empty() ? "one of " : ", ") + c.name;
        return names;
    }
    if (std::isinf(l.least) && std::isinf(l.most)) return "";
    if (std::isinf(l.most)) return fmt::format("at least {}", l.least);
    return fmt::format("between {} and {}", l.least, l.most);
}

void check_limits(const Setting& s, double value, const Limits& l) {
    if (value >= l.least && value <= l.most) return;  // false for NaN
    throw Error(fmt::format("{} = {} is out of range", s.key, toml_text(s.value)), s.where,
                s.key + " must be " + text_of(l));
}
void check_limits(const Setting& s, const std::string& value, const Limits& l) {
    if (l.choices.empty()) return;
    for (const Choice& choice : l.choices)
        if (value == choice.name) return;
    const std::string near = choice_meant(value, l.choices);
    throw Error(fmt::format("{} cannot be '{}'", s.key, value), s.where,
                (near.empty() ? "" : "did you mean '" + near + "'? ") + "it must be " + text_of(l));
}
void check_limits(const Setting& s, int64_t value, const Limits& l) { check_limits(s, double(value), l); }
void check_limits(const Setting&, bool, const Limits&) {}
void check_limits(const Setting&, const std::optional<bool>&, const Limits&) {}
void check_limits(const Setting&, const std::vector<std::string>&, const Limits&) {}

// A value of the right kind to type: what was written, in quotes where only they are missing, else the default.
template <class Field>
std::string example_of(const Setting& s, const Field& by_default) {
    const bool is_string = std::holds_alternative<std::string>(s.value);
    const std::string quoted = toml_text(is_string ? s.value : Value(toml_text(s.value)));
    if constexpr (is_flag<Field>) return "true";
    else if constexpr (std::is_arithmetic_v<Field>) return toml_text(by_default);
    else if constexpr (std::is_same_v<Field, std::string>) return is_string ? by_default : quoted;
    else return "[" + quoted + "]";
}

template <class Field>
[[noreturn]] void wrong_kind(const Setting& s, const Field& by_default, const Limits& limits) {
    const bool on_command_line = s.where.starts_with("--"), number = std::is_arithmetic_v<Field> && !is_flag<Field>;
    std::string fix = (on_command_line ? "--set " + s.key + "=" : "write " + s.key + " = ") + example_of(s, by_default);
    if (is_flag<Field>) fix += ", or false";
    const std::string allowed = text_of(limits);
    if (number)
        fix += std::string(", or another ") + (kind_wanted<Field>() + 2) + (allowed.empty() ? "" : " " + allowed);
    throw Error(fmt::format("{} = {} is not {}", s.key, toml_text(s.value), kind_wanted<Field>()), s.where, fix);
}

[[noreturn]] void unknown(const Setting& s, const std::vector<DeclaredSetting>& all, const std::string& help_command) {
    const std::string near = setting_meant(s.key, all);
    throw Error("unknown setting '" + s.key + "'", s.where,
                (near.empty() ? "" : "did you mean '" + near + "'? ") + help_command + " lists them all");
}

const DeclaredSetting* find_setting(const std::vector<DeclaredSetting>& all, const std::string& key) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const DeclaredSetting& d) { return d.key == key; });
    return found == all.end() ? nullptr : &*found;
}

template <class Field>
void apply(const DeclaredSetting& to, Field& field, const DeclaredSetting& by_default, const Setting& s) {
    Field value{};
    if (!assign(value, s)) wrong_kind(s, *std::get<Field*>(by_default.field), to.limits);
    check_limits(s, value, to.limits);
    field = value;
}

std::string section_of(const std::string& key) { return key.substr(0, key.find('.')); }
std::string last_part(const std::string& key) { return key.substr(key.rfind('.') + 1); }

std::optional<Value> value_in(const std::optional<bool>& flag) {
    if (!flag) return std::nullopt;
    return Value(*flag);
}
template <class Field>
std::optional<Value> value_in(const Field& field) {
    return Value(field);
}

}  // namespace

std::optional<Value> DeclaredSetting::value() const {
    return std::visit([](const auto* f) { return value_in(*f); }, field);
}

bool DeclaredSetting::is_set() const {
    if (const auto* text = std::get_if<std::string*>(&field)) return !(*text)->empty() || limits.choices.empty();
    return value().has_value();
}

void apply_settings(const std::vector<DeclaredSetting>& to, const std::vector<DeclaredSetting>& defaults,
                    WrittenAt& written_at, const std::string& help_command, const std::vector<Setting>& settings) {
    for (const Setting& s : settings) {
        const DeclaredSetting *declared = find_setting(to, s.key), *by_default = find_setting(defaults, s.key);
        if (!declared) unknown(s, to, help_command);
        std::visit([&](auto* field) { apply(*declared, *field, *by_default, s); }, declared->field);
        written_at[s.key] = s.where;
    }
}

std::string recipe_text(const std::vector<DeclaredSetting>& all) {
    std::string text, section;
    for (const DeclaredSetting& s : all) {
        if (!s.is_set()) continue;
        if (section_of(s.key) != section) {
            text += (section.empty() ? "[" : "\n[") + section_of(s.key) + "]\n";
            section = section_of(s.key);
        }
        text += s.key.substr(section.size() + 1) + " = " + toml_text(*s.value()) + "\n";
    }
    return text;
}

std::string settings_help(const std::vector<DeclaredSetting>& all) {
    std::string text =
                    "Every setting, its default, its limits. In a recipe: a line  key = value  under  [table]; on the\n"
                    "command line: --set table.key=value.\n",
                section;
    for (const DeclaredSetting& s : all) {
        if (section_of(s.key) != section) text += "\n";
        section = section_of(s.key);
        const std::string value = s.is_set() ? toml_text(*s.value()) : "unset", allowed = text_of(s.limits);
        text +=
            fmt::format("  {:<30} {}\n      {}\n", s.key + " = " + value,
                        (allowed.empty() ? "" : allowed + "; ") +
                            (s.on_resume == OnResume::fixed ? "fixed once a run has begun" : "may change on resume"),
                        s.help);
    }
    return text;
}

std::string setting_meant(const std::string& written, const std::vector<DeclaredSetting>& all) {
    std::string key = written;
    std::replace(key.begin(), key.end(), '-', '_');
    const std::string last = last_part(key);
    std::vector<std::string> names, in_other_sections;
    std::vector<Synonym> other_names;
    for (const DeclaredSetting& s : all) {
        if (s.key == key) return s.key;
        names.push_back(s.key);
        if (last_part(s.key) == last) in_other_sections.push_back(s.key);
        for (const std::string& name : s.other_names) other_names.push_back({name, s.key});
    }
    if (const std::string near = nearest_name(key, in_other_sections); !near.empty()) return near;
    if (in_other_sections.size() == 1) return in_other_sections.front();
    if (const std::string name = name_by_synonym(last, other_names); !name.empty()) return name;
    const std::string near = nearest_name(key, names);
    return near.empty() ? nearest_name(last, names) : near;
}

std::string choice_meant(const std::string& value, const std::vector<Choice>& choices) {
    std::vector<std::string> names;
    std::vector<Synonym> other_names;
    for (const Choice& c : choices) {
        names.push_back(c.name);
        for (const std::string& name : c.other_names) other_names.push_back({name, c.name});
    }
    const std::string name = name_by_synonym(value, other_names);
    return name.empty() ? nearest_name(value, names) : name;
}

}  // namespace gradus
