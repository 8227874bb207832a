// Splitting texts where no token reaches.
#include "tokenizer/models/joints.h"

#include <algorithm>
#include <bit>

#include "tokenizer/unicode.h"

namespace gradus {

namespace {

constexpr char32_t word_mark = 0x2581;
constexpr size_t bits_per_pair = 16;  // one pair in sixteen that no token has counts as joined

bool continues(char byte) { return (uint8_t(byte) & 0xC0) == 0x80; }

// decode_utf8, with a short cut for most characters of three bytes. An invalid byte is its own code point: a pair with
// it may count as joined.
inline Utf8Char char_at(const char* at, const char* end) {
    const uint8_t lead = uint8_t(*at);
    if (lead > 0xE0 && lead < 0xF0 && lead != 0xED && end - at >= 3 && continues(at[1]) && continues(at[2]))
        return {char32_t((lead & 0xF) << 12 | (uint8_t(at[1]) & 0x3F) << 6 | (uint8_t(at[2]) & 0x3F)), 3, true};
    return decode_utf8(at, end);
}

}  // namespace

Joints::Joints(const std::vector<Pair>& pairs)
    : is_split_(true),
      joined_(common * common, 0),
      others_(std::max<size_t>(1, std::bit_ceil(bits_per_pair * pairs.size()) / 64)) {
    const auto number = [](char32_t code) { return code < 0x80 ? uint32_t(code) : code == word_mark ? mark : common; };
    for (const Pair& pair : pairs) {
        const uint32_t before = number(pair.before), after = number(pair.after);
        if (before < common && after < common) joined_[common * before + after] = 1;
        const size_t bit = bit_of(pair.before, pair.after);
        others_[bit / 64] |= uint64_t(1) << bit % 64;
    }
}

size_t Joints::part_end(std::string_view text, size_t begin) const {
    if (!is_split_) return text.size();
    const char* at = text.data() + begin;
    const char* const end = text.data() + text.size();
    uint32_t before = common;  // the number of the character before
    char32_t code_before = 0;
    for (bool first = true; at < end; first = false) {
        uint32_t after = uint8_t(*at), code = after;
        int length = 1;
        if (after >= 0x80) {
            const Utf8Char character = char_at(at, end);
            code = character.code;
            length = character.length;
            after = code == word_mark ? mark : common;
        }
        if (!first) {
            const size_t bit = bit_of(code_before, code);
            const bool joined = before < common && after < common ? joined_[common * before + after] != 0
                                                                  : (others_[bit / 64] >> bit % 64 & 1) != 0;
            if (!joined) break;
        }
        at += length;
        before = after;
        code_before = code;
    }
    return size_t(at - text.data());
}

bool append_pairs_of(std::string_view text, std::vector<Joints::Pair>& pairs) {
    const char* at = text.data();
    const char* const end = at + text.size();
    char32_t before = 0;
    for (bool first = true; at < end; first = false) {
        const Utf8Char after = decode_utf8(at, end);
        if (!after.valid) return false;
        if (!first) pairs.push_back({before, after.code});
        before = after.code;
        at += after.length;
    }
    return true;
}

}  // namespace gradus
