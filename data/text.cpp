#include "data/text.h"

#include <simdjson.h>

namespace gradus {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool is_continuation(char c) { return (uint8_t(c) & 0xC0) == 0x80; }

struct Part {
    size_t bytes;
    bool well_formed;
};

// The character, or the maximal ill-formed part, that starts at text[i]: table 3-7 of the Unicode standard.
Part part_at(std::string_view text, size_t i) {
    const uint8_t lead = uint8_t(text[i]);
    if (lead < 0x80) return {1, true};
    size_t length = 0;
    uint8_t low = 0x80, high = 0xBF;  // limits of the second byte
    if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3;
        if (lead == 0xE0) low = 0xA0;   // shorter forms exist
        if (lead == 0xED) high = 0x9F;  // surrogates
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;  // beyond U+10FFFF
    } else {
        return {1, false};
    }
    for (size_t k = 1; k < length; ++k) {
        const uint8_t next = i + k < text.size() ? uint8_t(text[i + k]) : 0;
        if (next < low || next > high) return {k, false};
        low = 0x80, high = 0xBF;
    }
    return {length, true};
}

}  // namespace

bool is_valid_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

std::string repair_utf8(std::string_view text) {
    if (is_valid_utf8(text)) return std::string(text);
    std::string repaired;
    repaired.reserve(text.size() + 16);
    for (size_t i = 0; i < text.size();) {
        const Part part = part_at(text, i);
        repaired.append(part.well_formed ? text.substr(i, part.bytes) : replacement);
        i += part.bytes;
    }
    return repaired;
}

Utf8Census count_utf8(std::string_view text) {
    Utf8Census census;
    for (size_t i = 0; i < text.size();) {
        const Part part = part_at(text, i);
        census.beyond_ascii += part.well_formed && part.bytes > 1;
        census.ill_formed += !part.well_formed;
        i += part.bytes;
    }
    return census;
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

size_t character_boundary(std::string_view text, size_t at) {
    if (at >= text.size()) return text.size();
    while (at > 0 && is_continuation(text[at])) --at;
    return at;
}

}  // namespace gradus
