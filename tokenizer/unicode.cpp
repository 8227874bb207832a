// UTF-8 and character classes: the generated ranges, expanded once to two bits per code point.
#include "tokenizer/unicode.h"

#include <cstdio>
#include <vector>

#include "tokenizer/unicode_ranges.h"

namespace gradus {

namespace {

constexpr size_t code_points = 0x110000;

class ClassTable {
public:
    ClassTable() : packed_(code_points / 4, 0) {
        for (const CodeRange& range : letter_ranges) fill(range, CharClass::letter);
        for (const CodeRange& range : number_ranges) fill(range, CharClass::number);
        for (const CodeRange& range : space_ranges) fill(range, CharClass::space);
    }

    CharClass operator[](char32_t code) const { return CharClass(packed_[code / 4] >> (code % 4 * 2) & 3); }
    const uint8_t* packed() const { return packed_.data(); }

private:
    void fill(CodeRange range, CharClass value) {
        for (char32_t code = range.first; code <= range.last; ++code)
            packed_[code / 4] = uint8_t(packed_[code / 4] | int(value) << (code % 4 * 2));
    }

    std::vector<uint8_t> packed_;
};

// What the first byte of a character determines: the number of bytes that follow, and the range of the second one. The
// range excludes overlong forms, surrogates and code points above U+10FFFF.
struct Lead {
    int follow;
    uint8_t second_low, second_high;
};

Lead lead_of(uint8_t byte) {
    if (byte < 0xC2 || byte > 0xF4) return {0, 0, 0};
    if (byte < 0xE0) return {1, 0x80, 0xBF};
    if (byte == 0xE0) return {2, 0xA0, 0xBF};
    if (byte == 0xED) return {2, 0x80, 0x9F};
    if (byte < 0xF0) return {2, 0x80, 0xBF};
    if (byte == 0xF0) return {3, 0x90, 0xBF};
    if (byte == 0xF4) return {3, 0x80, 0x8F};
    return {3, 0x80, 0xBF};
}

// The number of bytes of [at, end) that belong to one character, complete or not; at least 1.
size_t well_formed_prefix(const char* at, const char* end) {
    const Lead lead = lead_of(uint8_t(*at));
    size_t length = 1;
    for (int i = 0; i < lead.follow && at + length < end; ++i, ++length) {
        const uint8_t byte = uint8_t(at[length]);
        const uint8_t low = i == 0 ? lead.second_low : 0x80, high = i == 0 ? lead.second_high : 0xBF;
        if (byte < low || byte > high) break;
    }
    return length;
}

const ClassTable& class_table() {
    static const ClassTable table;
    return table;
}

}  // namespace

CharClass char_class(char32_t code) { return code < code_points ? class_table()[code] : CharClass::other; }

const uint8_t* packed_classes() { return class_table().packed(); }

Utf8Char decode_utf8(const char* at, const char* end) {
    const uint8_t first = uint8_t(*at);
    if (first < 0x80) return {first, 1, true};
    const int follow = lead_of(first).follow;
    if (follow == 0 || well_formed_prefix(at, end) != size_t(follow) + 1) return {first, 1, false};
    char32_t code = first & (0x3F >> follow);
    for (int i = 1; i <= follow; ++i) code = code << 6 | (uint8_t(at[i]) & 0x3F);
    return {code, follow + 1, true};
}

size_t maximal_subpart(const char* at, const char* end) { return well_formed_prefix(at, end); }

std::string replace_invalid_utf8(std::string_view bytes) {
    std::string text;
    const char* const end = bytes.data() + bytes.size();
    for (const char* at = bytes.data(); at < end;) {
        const Utf8Char next = decode_utf8(at, end);
        const size_t length = next.valid ? size_t(next.length) : maximal_subpart(at, end);
        if (next.valid) text.append(at, length);
        else append_utf8(text, 0xFFFD);
        at += length;
    }
    return text;
}

bool is_utf8(std::string_view text) {
    const char* const end = text.data() + text.size();
    for (const char* at = text.data(); at < end;) {
        const Utf8Char character = decode_utf8(at, end);
        if (!character.valid) return false;
        at += character.length;
    }
    return true;
}

size_t incomplete_utf8_tail(std::string_view text) {
    const char* const end = text.data() + text.size();
    for (size_t tail = 1; tail <= 3 && tail <= text.size(); ++tail) {
        const char* const at = end - tail;
        if ((uint8_t(*at) & 0xC0) == 0x80) continue;  // inside a character: keep looking back
        const int follow = lead_of(uint8_t(*at)).follow;
        return follow >= int(tail) && well_formed_prefix(at, end) == tail ? tail : 0;
    }
    return 0;
}

void append_utf8(std::string& out, char32_t code) {
    if (code < 0x80) {
        out += char(code);
    } else if (code < 0x800) {
        out += {char(0xC0 | code >> 6), char(0x80 | (code & 0x3F))};
    } else if (code < 0x10000) {
        out += {char(0xE0 | code >> 12), char(0x80 | (code >> 6 & 0x3F)), char(0x80 | (code & 0x3F))};
    } else {
        out += {char(0xF0 | code >> 18), char(0x80 | (code >> 12 & 0x3F)), char(0x80 | (code >> 6 & 0x3F)),
                char(0x80 | (code & 0x3F))};
    }
}

std::string code_point_name(char32_t code) {
    char name[16];
    std::snprintf(name, sizeof name, "U+%04X", unsigned(code));
    return name;
}

}  // namespace gradus
