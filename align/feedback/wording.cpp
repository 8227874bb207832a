#include "align/feedback/wording.h"

#include <algorithm>
#include <cctype>

#include "engine/base/config_file.h"
#include "engine/base/error.h"
#include "engine/base/one_line.h"
#include "engine/base/suggest.h"

namespace gradus {

namespace {

[[noreturn]] void bad_wording(const std::string& where, const std::string& cause) {
    throw Error("the wording in '" + where + "' cannot be used", cause,
                "see the description of the keys in docs/formats.md (wording of feedback)");
}

// The name in "{name}" at a place of a pattern; empty: there is none.
std::string_view placeholder_at(std::string_view pattern, size_t at) {
    if (pattern[at] != '{') return {};
    size_t end = at + 1;
    while (end < pattern.size() && (std::islower(uint8_t(pattern[end])) || pattern[end] == '_')) ++end;
    if (end == at + 1 || end == pattern.size() || pattern[end] != '}') return {};
    return pattern.substr(at + 1, end - at - 1);
}

struct Pattern {
    std::string_view key;
    std::vector<std::string_view> needed;  // in addition to {prompt}, which may be there
};
const Pattern patterns[] = {{"critique", {"answer", "principle"}},
                            {"revision", {"answer", "critique", "principle"}},
                            {"judge", {"answer_a", "answer_b", "principle"}}};

void check_pattern(const Pattern& pattern, const std::string& text, const std::string& where) {
    std::vector<std::string_view> found;
    for (size_t at = 0; at < text.size(); ++at) {
        const std::string_view name = placeholder_at(text, at);
        if (name.empty()) continue;
        if (name != "prompt" && std::count(pattern.needed.begin(), pattern.needed.end(), name) == 0)
            bad_wording(where, "the pattern '" + std::string(pattern.key) + "' has the unknown placeholder {" +
                                   on_one_line(name, 40) + "}");
        found.push_back(name);
    }
    for (const std::string_view name : pattern.needed)
        if (std::count(found.begin(), found.end(), name) == 0)
            bad_wording(where, "the pattern '" + std::string(pattern.key) + "' lacks {" + std::string(name) + "}");
}

std::string text_of(const Conversation& prompt) {
    if (prompt.size() == 1) return prompt[0].content;
    std::string text;
    for (const Message& m : prompt) {
        const char* const speaker = m.role == "user" ? "User" : m.role == "assistant" ? "Assistant" : "System";
        text += (text.empty() ? "" : "\n\n") + std::string(speaker) + ": " + m.content;
    }
    return text;
}

}  // namespace

FeedbackWording wording_from_toml(const std::string& text, const std::string& file) {
    FeedbackWording w;
    std::vector<std::string> keys;
    FeedbackWording::each(w, [&](const char* key, const auto&) { keys.push_back(key); });
    for (const Setting& s : parse_settings(text, file)) {
        if (std::count(keys.begin(), keys.end(), s.key) == 0) {
            const std::string meant = nearest_name(s.key, keys);
            bad_wording(s.where, "it has the unknown key " + shown(s.key) +
                                     (meant.empty() ? "" : "; did you mean '" + meant + "'?"));
        }
        FeedbackWording::each(w, [&](const char* key, auto& member) {
            using Member = std::decay_t<decltype(member)>;
            if (s.key != key) return;
            const auto* value = std::get_if<Member>(&s.value);
            if (!value)
                bad_wording(s.where, std::string("the value of '") + key + "' is " + kind_of(s.value) + ", where " +
                                         kind_of(Value(Member{})) + " must be");
            member = *value;
        });
    }
    for (const Pattern& pattern : patterns)
        FeedbackWording::each(w, [&](const char* key, const auto& member) {
            if constexpr (std::is_same_v<std::decay_t<decltype(member)>, std::string>)
                if (pattern.key == key) check_pattern(pattern, member, file);
        });
    if (w.labels.size() != 2 || stripped(w.labels[0]).empty() || stripped(w.labels[1]).empty() ||
        stripped(w.labels[0]) == stripped(w.labels[1]))
        bad_wording(file, "'labels' must be two different texts, of the first and of the second answer");
    return w;
}

std::string filled(std::string_view pattern, const Placeholders& values) {
    std::string text;
    for (size_t at = 0; at < pattern.size();) {
        const std::string_view name = placeholder_at(pattern, at);
        const auto found = std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == name; });
        if (name.empty() || found == values.end()) {
            text += pattern[at++];
            continue;
        }
        text += found->second;
        at += name.size() + 2;
    }
    return text;
}

std::string critique_request(const FeedbackWording& w, const Conversation& prompt, const std::string& answer,
                             const Principle& p) {
    const std::string question = text_of(prompt);
    return filled(w.critique, {{"prompt", question}, {"answer", answer}, {"principle", p.critique}});
}

std::string revision_request(const FeedbackWording& w, const Conversation& prompt, const std::string& answer,
                             const std::string& critique, const Principle& p) {
    const std::string question = text_of(prompt);
    return filled(w.revision,
                  {{"prompt", question}, {"answer", answer}, {"critique", critique}, {"principle", p.revision}});
}

std::string judge_request(const FeedbackWording& w, const Conversation& prompt, const std::string& answer_a,
                          const std::string& answer_b, const Principle& p) {
    const std::string question = text_of(prompt);
    return filled(w.judge,
                  {{"prompt", question}, {"answer_a", answer_a}, {"answer_b", answer_b}, {"principle", p.text}});
}

}  // namespace gradus
