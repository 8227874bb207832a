#include "align/template/chat_template.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "align/template/presets.h"
#include "engine/base/config_file.h"
#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/base/one_line.h"
#include "engine/base/suggest.h"

namespace gradus {

namespace {

const char* const chat_template_fix = "see the description of the keys in docs/formats.md (chat templates)";

[[noreturn]] void bad_template(const std::string& where, const std::string& cause) {
    throw Error("the chat template '" + where + "' cannot be used", cause, chat_template_fix);
}

size_t count_of(std::string_view text, std::string_view part) {
    size_t n = 0;
    for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++n;
    return n;
}

std::vector<std::string> keys_of_template() {
    ChatTemplate t;
    std::vector<std::string> keys;
    ChatTemplate::each(t, [&](const char* key, auto&) { keys.push_back(key); });
    return keys;
}

[[noreturn]] void unknown_key(const std::string& where, const std::string& key) {
    const std::string meant = nearest_name(key, keys_of_template());
    bad_template(where,
                 "it has the unknown key " + shown(key) + (meant.empty() ? "" : "; did you mean '" + meant + "'?"));
}

// take(key, member) copies the value of the key, if it is there.
template <class Take>
ChatTemplate read_template(const std::string& where, Take&& take) {
    ChatTemplate t;
    ChatTemplate::each(t, take);
    check_template(t, where);
    return t;
}

}  // namespace

bool ChatTemplate::trims(std::string_view role) const {
    return std::find(trim.begin(), trim.end(), role) != trim.end();
}

void check_template(const ChatTemplate& t, const std::string& where) {
    const auto once = [&](const char* key, const std::string& pattern, const char* placeholder) {
        if (const size_t n = count_of(pattern, placeholder); n != 1)
            bad_template(where, std::string("the pattern '") + key + "' has " + placeholder + " " + std::to_string(n) +
                                    " times, where it must have it once");
    };
    once("user", t.user, "{content}");
    once("assistant", t.assistant, "{content}");
    if (!t.system.empty()) once("system", t.system, "{content}");
    if (!t.first_user.empty()) {
        once("first_user", t.first_user, "{system}");
        once("first_user", t.first_user, "{content}");
        if (t.first_user.find("{system}") > t.first_user.find("{content}"))
            bad_template(where, "the pattern 'first_user' has {content} before {system}");
        if (!t.system.empty())
            bad_template(where, "it has both 'system' and 'first_user', so a system message has two places");
    }
    if (t.system.empty() && t.first_user.empty() && !t.default_system.empty())
        bad_template(where, "'default_system' has no place: neither 'system' nor 'first_user' is given");
    if (t.end_of_turn.empty()) bad_template(where, "it has no 'end_of_turn', so a model could not end its answer");
    if (split_at(t.assistant, "{content}").after.find(t.end_of_turn) == std::string::npos)
        bad_template(where,
                     "the pattern 'assistant' lacks the end of turn " + shown(t.end_of_turn) + " after {content}");
    for (const std::string& role : t.trim)
        if (role != "system" && role != "user" && role != "assistant")
            bad_template(where, "'trim' names the unknown role " + shown(role));
}

ChatTemplate template_from_json(std::string_view text, const std::string& where) {
    const nlohmann::json json = parse_json(text, where, chat_template_fix);
    if (!json.is_object()) bad_template(where, "it is a JSON value but not an object");
    const std::vector<std::string> keys = keys_of_template();
    for (const auto& [key, value] : json.items())
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) unknown_key(where, key);
    return read_template(where, [&](const char* key, auto& member) {
        const auto found = json.find(key);
        if (found == json.end()) return;
        const bool of_strings = found->is_array() && std::all_of(found->begin(), found->end(),
                                                                 [](const auto& item) { return item.is_string(); });
        constexpr bool is_list = !std::is_same_v<std::decay_t<decltype(member)>, std::string>;
        if (is_list ? !of_strings : !found->is_string())
            bad_template(
                where, std::string("the value of '") + key + "' is not a " + (is_list ? "list of strings" : "string"));
        found->get_to(member);
    });
}

ChatTemplate template_from_toml(const std::string& text, const std::string& where) {
    const std::vector<Setting> settings = parse_settings(text, where);
    const std::vector<std::string> keys = keys_of_template();
    for (const Setting& s : settings)
        if (std::find(keys.begin(), keys.end(), s.key) == keys.end()) unknown_key(s.where, s.key);
    return read_template(where, [&](const char* key, auto& member) {
        using Member = std::decay_t<decltype(member)>;
        for (const Setting& s : settings) {
            if (s.key != key) continue;
            const auto* value = std::get_if<Member>(&s.value);
            if (!value)
                bad_template(s.where, std::string("the value of '") + key + "' is " + kind_of(s.value) + ", where " +
                                          kind_of(Value(Member{})) + " must be");
            member = *value;
        }
    });
}

std::string json_of(const ChatTemplate& chat_template) {
    const ChatTemplate usual;
    nlohmann::ordered_json json, defaults;
    ChatTemplate::each(chat_template, [&](const char* key, const auto& value) { json[key] = value; });
    ChatTemplate::each(usual, [&](const char* key, const auto& value) { defaults[key] = value; });
    for (const auto& [key, value] : defaults.items())
        if (json[key] == value) json.erase(key);
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

ChatTemplate find_template(const std::string& text) {
    if (const ChatTemplate* preset = preset_template(text)) return *preset;
    if (text.find('=') != std::string::npos) return template_from_toml(text, "template");
    const fs::path file = text;
    if (file.extension() == ".json") return template_from_json(read_file(file), text);
    if (file.extension() == ".toml") return template_from_toml(read_file(file), text);
    const std::vector<std::string> names = preset_names();
    const std::string meant = nearest_name(text, names);
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    throw Error("there is no chat template " + shown(text),
                meant.empty() ? "it is neither a preset nor a file .json or .toml" : "did you mean '" + meant + "'?",
                "use one of " + list + ", or describe your own in a file (docs/formats.md)");
}

Halves split_at(std::string_view pattern, std::string_view placeholder) {
    const size_t at = pattern.find(placeholder);
    CHECK(at != pattern.npos);
    return {std::string(pattern.substr(0, at)), std::string(pattern.substr(at + placeholder.size()))};
}

std::string replaced(std::string text, std::string_view placeholder, std::string_view value) {
    for (size_t at = text.find(placeholder); at != text.npos; at = text.find(placeholder, at + value.size()))
        text.replace(at, placeholder.size(), value);
    return text;
}

AnswerPattern answer_pattern(const ChatTemplate& t) {
    auto [header, rest] = split_at(t.assistant, "{content}");
    AnswerPattern parts;
    if (header.ends_with(' ')) {
        header.pop_back();
        parts.before = " ";
    }
    parts.header = header;
    const size_t end = rest.find(t.end_of_turn) + t.end_of_turn.size();
    parts.end = rest.substr(0, end);
    parts.after = rest.substr(end);
    return parts;
}

}  // namespace gradus
