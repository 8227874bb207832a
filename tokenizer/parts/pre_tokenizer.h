#pragma once
// The steps that split a text into pieces, as in the "pre_tokenizer" of tokenizer.json, in order: each step splits the pieces of the one
// before. A Sequence is written out.
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "tokenizer/parts/pattern.h"

namespace gradus::parts {

// What becomes of a match: it is dropped, a piece, part of the piece before, part of the one after, or joined with the matches that
// touch it.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

// When a metaspace precedes the text: always, only the first piece of the whole text (not one after an added token), or never. Never
// twice.
enum class PrependScheme { always, first, never };

// GPT-2's pattern, and every byte becomes a letter of its alphabet.
struct ByteLevel {
    bool add_prefix_space = true;
    bool trim_offsets = true;
    bool use_regex = true;  // false: only the letters
    bool operator==(const ByteLevel&) const = default;
};

struct BertPreTokenizer {  // at white space, which is dropped, and around every punctuation
    bool operator==(const BertPreTokenizer&) const = default;
};

struct CharDelimiterSplit {
    std::string delimiter;  // one character
    bool operator==(const CharDelimiterSplit&) const = default;
};

struct Digits {
    bool individual_digits = false;
    bool operator==(const Digits&) const = default;
};

struct FixedLength {
    size_t length = 5;  // characters
    bool operator==(const FixedLength&) const = default;
};

struct Metaspace {
    std::string replacement = "\u2581";  // for U+0020
    PrependScheme prepend_scheme = PrependScheme::always;
    bool split = true;  // at each replacement, which stays with the piece after it
    bool operator==(const Metaspace&) const = default;
};

struct Punctuation {
    SplitBehavior behavior = SplitBehavior::isolated;
    bool operator==(const Punctuation&) const = default;
};

struct Split {
    Pattern pattern;
    SplitBehavior behavior = SplitBehavior::isolated;
    bool invert = false;  // matches are the pieces
    bool operator==(const Split&) const = default;
};

struct UnicodeScripts {
    bool operator==(const UnicodeScripts&) const = default;
};

struct Whitespace {  // \w+|[^\w\s]+
    bool operator==(const Whitespace&) const = default;
};

struct WhitespaceSplit {
    bool operator==(const WhitespaceSplit&) const = default;
};

using PreTokenizer = std::variant<ByteLevel, BertPreTokenizer, CharDelimiterSplit, Digits, FixedLength, Metaspace,
                                  Punctuation, Split, UnicodeScripts, Whitespace, WhitespaceSplit>;

}  // namespace gradus::parts
