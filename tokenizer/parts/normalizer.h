#pragma once
// The steps that change a text before it is split, as in the "normalizer" of tokenizer.json, in order. A Sequence is written out.
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tokenizer/parts/pattern.h"

namespace gradus::parts {

enum class NormalForm { nfc, nfd, nfkc, nfkd };

struct Normalize {
    NormalForm form = NormalForm::nfc;
    bool operator==(const Normalize&) const = default;
};

// Of every character its lower case (Unicode's full mapping).
struct Lowercase {
    bool operator==(const Lowercase&) const = default;
};

// White space at the ends of the text.
struct Strip {
    bool left = true, right = true;
    bool operator==(const Strip&) const = default;
};

// Removes the marks (category M).
struct StripAccents {
    bool operator==(const StripAccents&) const = default;
};

// BertTokenizer's: control characters removed and white space made U+0020, spaces around CJK ideographs, accents removed, lower case.
struct BertNormalizer {
    bool clean_text = true, handle_chinese_chars = true;
    std::optional<bool> strip_accents;  // absent: as lowercase says
    bool lowercase = true;
    bool operator==(const BertNormalizer&) const = default;
};

// SentencePiece's rules for control characters and white space (nmt).
struct Nmt {
    bool operator==(const Nmt&) const = default;
};

// SentencePiece's table of replacements: a double array of prefixes and the texts that replace them, as in its .model files.
struct Precompiled {
    std::string charsmap;  // bytes, not base64
    bool operator==(const Precompiled&) const = default;
};

struct Prepend {
    std::string text;
    bool operator==(const Prepend&) const = default;
};

struct Replace {
    Pattern pattern;
    std::string content;
    bool operator==(const Replace&) const = default;
};

// Every byte becomes its letter in GPT-2's alphabet (byte_alphabet.h).
struct ByteLevelLetters {
    bool operator==(const ByteLevelLetters&) const = default;
};

using Normalizer = std::variant<Normalize, Lowercase, Strip, StripAccents, BertNormalizer, Nmt, Precompiled, Prepend,
                                Replace, ByteLevelLetters>;

}  // namespace gradus::parts
