#include "engine/base/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>
#include <algorithm>

#include <cmath>

#include "engine/base/error.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

std::string place(const std::string& file, const toml::source_region& source) {
    return fmt::format("{}:{}:{}", file, source.begin.line, source.begin.column);
}

// TOML is UTF-8, but a folder's name may have any bytes. A byte B that is not part of UTF-8 is written as the
// private-use character U+10FF00 + B, and so is each byte of these characters themselves: every string reads back
// unchanged.
constexpr std::string_view first_of_byte = "\xf4\x8f\xbe\x80", last_of_byte = "\xf4\x8f\xbf\xbf";  // of 0x80 and 0xff

bool stands_for_byte(std::string_view character) { return first_of_byte <= character && character <= last_of_byte; }

std::string as_utf8(std::string_view text) {
    std::string result;
    for (size_t at = 0; at < text.size();) {
        const size_t bytes = character_at(text, at);
        if (bytes > 0 && !stands_for_byte(text.substr(at, bytes))) {
            result += text.substr(at, bytes);
            at += bytes;
            continue;
        }
        const unsigned byte = uint8_t(text[at++]);
        ((result += "\xf4\x8f") += char(0xbc + byte / 64)) += char(0x80 + byte % 64);
    }
    return result;
}

std::string with_any_bytes(std::string_view text) {
    std::string result;
    for (size_t at = 0; at < text.size();) {
        const std::string_view character = text.substr(at, std::max<size_t>(character_at(text, at), 1));
        if (stands_for_byte(character))
            result += char((uint8_t(character[2]) - 0xbc) * 64 + uint8_t(character[3]) - 0x80);
        else result += character;
        at += character.size();
    }
    return result;
}

// place_of gives the location of a part of the file or the command line.
template <class Place>
Value value_of(const std::string& name, const toml::node& node, const Place& place_of) {
    if (const auto* v = node.as_boolean()) return v->get();
    if (const auto* v = node.as_integer()) return v->get();
    if (const auto* v = node.as_floating_point()) return v->get();
    if (const auto* v = node.as_string()) return with_any_bytes(v->get());
    if (const toml::array* list = node.as_array()) {
        std::vector<std::string> strings;
        for (const toml::node& element : *list) {
            const auto* text = element.as_string();
            if (!text)
                throw Error("the list '" + name + "' has an element that is not a string", place_of(element.source()),
                            "write every element in quotes: " + name + " = [\"…\", \"…\"]");
            strings.push_back(with_any_bytes(text->get()));
        }
        return strings;
    }
    throw Error("'" + name + "' has a value of an unsupported type", place_of(node.source()) + ": a date or a time",
                "write a number, true or false, a \"string\" or a list of strings");
}

// Recursion is bounded: toml++ refuses values nested deeper than 256.
class Flattener {
public:
    explicit Flattener(std::string file) : file_(std::move(file)) {}

    void walk(const toml::table& table, const std::string& prefix) {
        auto place_of = [this](const toml::source_region& source) { return place(file_, source); };
        for (const auto& [key, node] : table) {
            const std::string name = prefix + std::string(key.str());
            if (const toml::table* inner = node.as_table()) walk(*inner, name + ".");
            else
                found_.push_back(
                    {key.source().begin, {name, value_of(name, node, place_of), place_of(key.source()), ""}});
        }
    }

    // toml++ sorts tables by name; errors and echoes follow the order of the file.
    std::vector<Setting> in_order_of_file() {
        std::stable_sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) {
            return std::pair{a.position.line, a.position.column} < std::pair{b.position.line, b.position.column};
        });
        std::vector<Setting> settings;
        for (Found& f : found_) settings.push_back(std::move(f.setting));
        return settings;
    }

private:
    struct Found {
        toml::source_position position;
        Setting setting;
    };

    std::string file_;
    std::vector<Found> found_;
};

// toml++ reports errors by an exception, which is translated here.
struct Parsed {
    toml::table table;
    std::string problem;
    toml::source_region source;
};

Parsed parse_toml(const std::string& text, const std::string& file) {
    try {
        return {toml::parse(std::string_view(text), std::string_view(file)), "", {}};
    } catch (const toml::parse_error& e) { return {{}, std::string(e.description()), e.source()}; }
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view s) {
    while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
    while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
    return s;
}

}  // namespace

std::vector<Setting> parse_settings(const std::string& text, const std::string& file) {
    const Parsed parsed = parse_toml(text, file);
    if (!parsed.problem.empty())
        throw Error("'" + file + "' is not a recipe: " + parsed.problem, place(file, parsed.source),
                    "correct that line: a recipe is TOML, such as  lr = 3e-4  under a line  [optimizer]");
    Flattener flat(file);
    flat.walk(parsed.table, "");
    return flat.in_order_of_file();
}

std::vector<Setting> read_settings(const fs::path& file) { return parse_settings(read_file(file), file.string()); }

Setting parse_assignment(const std::string& assignment) {
    const std::string where = "--set " + assignment;
    const size_t equals = assignment.find('=');
    const std::string key(trimmed(std::string_view(assignment).substr(0, equals)));
    if (equals == std::string::npos || key.empty())
        throw Error("'" + assignment + "' is not an assignment", where,
                    "write --set key=value, such as --set optimizer.lr=1e-3");
    const std::string text(trimmed(std::string_view(assignment).substr(equals + 1)));

    const Parsed parsed = parse_toml("x = " + text, where);
    if (!parsed.problem.empty() || parsed.table.size() != 1) return {key, text, where, text};
    const toml::node& value = parsed.table.begin()->second;
    // No setting is a table or a date, but a folder may be named 2026-11-24.
    if (value.is_table() || value.is_date() || value.is_time() || value.is_date_time()) return {key, text, where, text};
    return {key, value_of(key, value, [&where](const toml::source_region&) { return where; }), where, text};
}

std::string toml_text(const Value& value) {
    struct Writer {
        std::string operator()(bool b) const { return b ? "true" : "false"; }
        std::string operator()(int64_t n) const { return std::to_string(n); }
        std::string operator()(double x) const {
            if (std::isnan(x)) return "nan";
            if (std::isinf(x)) return x > 0 ? "inf" : "-inf";
            std::string text = fmt::format("{}", x);  // shortest that reads back as the same number
            if (text.find_first_of(".e") == std::string::npos) text += ".0";
            return text;
        }
        std::string operator()(const std::string& s) const {
            std::string quoted = "\"";
            for (char c : as_utf8(s)) {
                if (c == '"' || c == '\\') (quoted += '\\') += c;
                else if (c == '\n') quoted += "\\n";
                else if (c == '\t') quoted += "\\t";
                else if (uint8_t(c) < 0x20 || c == 0x7f) quoted += fmt::format("\\u{:04X}", uint8_t(c));
                else quoted += c;
            }
            return quoted + "\"";
        }
        std::string operator()(const std::vector<std::string>& list) const {
            std::string text;
            for (const std::string& s : list) text += (text.empty() ? "" : ", ") + (*this)(s);
            return "[" + text + "]";
        }
    };
    return std::visit(Writer{}, value);
}

std::string kind_of(const Value& value) {
    constexpr const char* names[] = {"true or false", "a whole number", "a number", "a string", "a list of strings"};
    return names[value.index()];
}

}  // namespace gradus
