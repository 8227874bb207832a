// The rules GB3 to GB13 from left to right, with what they look back at kept as state.
#include "tokenizer/unicode/grapheme.h"

#include "tokenizer/unicode/properties.h"
#include "tokenizer/unicode/text_units.h"

namespace gradus {

namespace {

constexpr char32_t zero_width_joiner = 0x200D;

// Hangul: leading consonants, vowels, trailing consonants, and the two kinds of syllables.
enum class Jamo { none, leading, vowel, trailing, open_syllable, closed_syllable };

Jamo jamo_of(char32_t code) {
    if ((code >= 0x1100 && code <= 0x115F) || (code >= 0xA960 && code <= 0xA97C)) return Jamo::leading;
    if ((code >= 0x1160 && code <= 0x11A7) || (code >= 0xD7B0 && code <= 0xD7C6)) return Jamo::vowel;
    if ((code >= 0x11A8 && code <= 0x11FF) || (code >= 0xD7CB && code <= 0xD7FB)) return Jamo::trailing;
    if (code >= 0xAC00 && code <= 0xD7A3)
        return (code - 0xAC00) % 28 == 0 ? Jamo::open_syllable : Jamo::closed_syllable;
    return Jamo::none;
}

bool joins_hangul(Jamo before, Jamo after) {
    switch (before) {
        case Jamo::leading: return after != Jamo::none && after != Jamo::trailing;
        case Jamo::open_syllable:
        case Jamo::vowel: return after == Jamo::vowel || after == Jamo::trailing;
        case Jamo::closed_syllable:
        case Jamo::trailing: return after == Jamo::trailing;
        case Jamo::none: return false;
    }
    return false;
}

bool is_regional(char32_t code) { return code >= 0x1F1E6 && code <= 0x1F1FF; }

bool extends(GraphemeBreak kind) {
    return kind == GraphemeBreak::extend || kind == GraphemeBreak::linker || kind == GraphemeBreak::joining;
}

}  // namespace

size_t grapheme_end(std::string_view text, size_t at) {
    Unit before = unit_at(text, at);
    at += before.length;
    GraphemeBreak kind = properties_of(before.code).grapheme_break();
    bool pictographic = kind == GraphemeBreak::pictographic;  // and then extending characters (GB11)
    bool consonant = kind == GraphemeBreak::consonant;        // and then linkers and joining ones (GB9c)
    bool linked = false;                                      // with a linker among them
    bool odd_regional = is_regional(before.code);
    while (at < text.size()) {
        const Unit unit = unit_at(text, at);
        const GraphemeBreak next = properties_of(unit.code).grapheme_break();
        const bool joins =
            before.code == '\r' ? unit.code == '\n'
            : kind == GraphemeBreak::control || next == GraphemeBreak::control
                ? false
                : extends(next) || next == GraphemeBreak::spacing || kind == GraphemeBreak::prepend ||
                      joins_hangul(jamo_of(before.code), jamo_of(unit.code)) ||
                      (linked && next == GraphemeBreak::consonant) ||
                      (pictographic && before.code == zero_width_joiner && next == GraphemeBreak::pictographic) ||
                      (odd_regional && is_regional(unit.code));
        if (!joins) break;
        pictographic = next == GraphemeBreak::pictographic || (pictographic && extends(next));
        consonant = next == GraphemeBreak::consonant ||
                    (consonant && (next == GraphemeBreak::linker || next == GraphemeBreak::joining));
        linked = consonant && next != GraphemeBreak::consonant && (linked || next == GraphemeBreak::linker);
        odd_regional = is_regional(unit.code) && !odd_regional;
        before = unit;
        kind = next;
        at += unit.length;
    }
    return at;
}

}  // namespace gradus
