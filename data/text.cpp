#include "data/text.h"

#include <simdjson.h>

#include "tokenizer/unicode.h"

namespace gradus {

namespace {

bool is_continuation(char c) { return (uint8_t(c) & 0xC0) == 0x80; }

}  // namespace

bool is_valid_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

std::string repair_utf8(std::string_view text) {
    return is_valid_utf8(text) ? std::string(text) : replace_invalid_utf8(text);
}

Utf8Counts count_utf8(std::string_view text) {
    Utf8Counts counts;
    const char* const end = text.data() + text.size();
    for (const char* at = text.data(); at < end;) {
        const Utf8Char next = decode_utf8(at, end);
        counts.non_ascii += next.valid && next.length > 1;
        counts.ill_formed += !next.valid;
        at += next.valid ? size_t(next.length) : maximal_subpart(at, end);
    }
    return counts;
}

void clean_text(std::string& text) {
    if (text.find_first_of(std::string_view("\r\0", 2)) == std::string::npos) return;
    size_t out = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\0') continue;
        if (text[i] == '\r') {
            if (i + 1 < text.size() && text[i + 1] == '\n') continue;
            text[out++] = '\n';
        } else {
            text[out++] = text[i];
        }
    }
    text.resize(out);
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::string with_single_spaces(std::string_view text) {
    std::string joined;
    joined.reserve(text.size());
    bool gap = false;
    for (const char c : text) {
        if (is_space(c)) {
            gap = !joined.empty();
        } else {
            if (gap) joined += ' ';
            gap = false;
            joined += c;
        }
    }
    return joined;
}

std::string counted(int64_t n, const char* one, const char* many) {
    return std::to_string(n) + " " + (n == 1 ? one : many);
}

size_t character_boundary(std::string_view text, size_t at) {
    if (at >= text.size()) return text.size();
    while (at > 0 && is_continuation(text[at])) --at;
    return at;
}

}  // namespace gradus
