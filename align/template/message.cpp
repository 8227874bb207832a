#include "align/template/message.h"

#include "engine/base/error.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

// The length in bytes of the white space at the beginning, or at the end, of a text; 0: there is none. One character.
size_t white_space_at(std::string_view text, bool at_end) {
    if (text.empty()) return 0;
    const auto byte = uint8_t(at_end ? text.back() : text.front());
    if ((byte >= 0x09 && byte <= 0x0D) || (byte >= 0x1C && byte <= 0x20)) return 1;
    // U+0085, U+00A0; U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000
    constexpr std::string_view others[] = {
        "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83",
        "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",
        "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
    if (byte < 0x80) return 0;
    for (const std::string_view space : others)
        if (at_end ? text.ends_with(space) : text.starts_with(space)) return space.size();
    return 0;
}

}  // namespace

std::string problem_of(const Conversation& conversation, LastMessage last) {
    const bool has_system = !conversation.empty() && conversation[0].role == "system";
    for (size_t i = has_system ? 1 : 0; i < conversation.size(); ++i) {
        const std::string& role = conversation[i].role;
        const std::string expected = (i - (has_system ? 1 : 0)) % 2 == 0 ? "user" : "assistant";
        if (role == expected) continue;
        const std::string message = "message " + std::to_string(i + 1) + " of " + std::to_string(conversation.size());
        if (role != "system" && role != "user" && role != "assistant")
            return message + " has the unknown role " + shown(role);
        if (role == "system") return message + " is a system message, which must be the first";
        return message + " has the role " + role + ", where " + expected + " must come";
    }
    const std::string wanted = last == LastMessage::answer ? "assistant" : "user";
    if (conversation.size() == (has_system ? 1u : 0u))
        return conversation.empty() ? "it has no messages" : "it has only a system message";
    if (conversation.back().role != wanted)
        return "message " + std::to_string(conversation.size()) + ", the last, has the role " +
               conversation.back().role + ", where " + wanted + " must come";
    return "";
}

void check_conversation(const Conversation& conversation, LastMessage last, const std::string& where) {
    const std::string problem = problem_of(conversation, last);
    if (problem.empty()) return;
    throw Error("the conversation" + (where.empty() ? "" : " at '" + where + "'") + " has roles out of order", problem,
                std::string("write an optional system message, then user and assistant in turn, and end with ") +
                    (last == LastMessage::answer ? "an answer of the assistant" : "a message of the user"));
}

std::string_view stripped(std::string_view text) {
    while (const size_t n = white_space_at(text, false)) text.remove_prefix(n);
    while (const size_t n = white_space_at(text, true)) text.remove_suffix(n);
    return text;
}

}  // namespace gradus
