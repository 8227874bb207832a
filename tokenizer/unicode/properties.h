#pragma once
// What a code point is, as Hugging Face tokenizers sees it.
//
// That library mixes versions of Unicode: regular expressions and \w follow 16.0, and some of its own steps use older tables. So several
// properties here have almost the same name; each says which step uses it. A code of 0x110000 and above stands for a byte that is not UTF-8
// (text_units.h) and has no property.
#include <cstdint>
#include <optional>
#include <string_view>

namespace gradus {

// General categories, in the order of the tables.
enum class Category : uint8_t {
    Lu,
    Ll,
    Lt,
    Lm,
    Lo,
    Mn,
    Mc,
    Me,
    Nd,
    Nl,
    No,
    Pc,
    Pd,
    Ps,
    Pe,
    Pi,
    Pf,
    Po,
    Sm,
    Sc,
    Sk,
    So,
    Zs,
    Zl,
    Zp,
    Cc,
    Cf,
    Cs,
    Co,
    Cn
};

// How a code point behaves at the boundaries of grapheme clusters, as far as its number does not say it (grapheme.h).
enum class GraphemeBreak : uint8_t {
    other,
    control,
    extend,
    spacing,
    prepend,
    pictographic,
    consonant,
    linker,
    joining
};

struct Properties {
    uint32_t bits = uint32_t(Category::Cn);

    Category category() const { return Category(bits & 31); }
    bool is_word() const { return bits >> 5 & 1; }          // \w of Whitespace and of added tokens' single_word
    bool is_pattern_word() const { return bits >> 6 & 1; }  // \w of regular expressions
    bool is_white_space() const { return bits >> 7 & 1; }   // White_Space, everywhere
    bool is_alphabetic() const { return bits >> 8 & 1; }    // of regular expressions, like the next two
    bool is_uppercase() const { return bits >> 9 & 1; }
    bool is_lowercase() const { return bits >> 10 & 1; }
    bool is_bert_control() const { return bits >> 11 & 1; }  // removed by BertNormalizer's clean_text
    bool is_bert_accent() const { return bits >> 12 & 1; }   // removed by its strip_accents
    bool is_mark() const { return bits >> 13 & 1; }          // removed by StripAccents
    bool is_punctuation() const {
        return bits >> 14 & 1;
    }                                                   // of Punctuation and BertPreTokenizer, ASCII's symbols included
    bool is_numeric() const { return bits >> 15 & 1; }  // of Digits
    GraphemeBreak grapheme_break() const { return GraphemeBreak(bits >> 16 & 15); }
};

Properties properties_of(char32_t code);

inline bool is_white_space(char32_t code) {
    return code < 0x80 ? code == ' ' || (code >= 9 && code <= 13) : properties_of(code).is_white_space();
}

// The script of regular expressions' \p{Han}: an index, or 0 if the code point has none.
uint32_t script_of(char32_t code);
// The index of a script's name, which is compared without case, spaces, hyphens and underscores.
std::optional<uint32_t> find_script(std::string_view name);

// A number for each script of the pre-tokenizer UnicodeScripts, for which Hiragana and Katakana are Han; 0 belongs to every script, as the
// space does.
uint32_t splitting_script_of(char32_t code);

}  // namespace gradus
