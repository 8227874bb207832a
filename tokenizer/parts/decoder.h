#pragma once
// The steps from the names of tokens to text, as in the "decoder" of tokenizer.json, in order: each changes a list of texts, which are
// joined at the end. A Sequence is written out. Without a decoder the names are joined by spaces.
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "tokenizer/parts/pattern.h"
#include "tokenizer/parts/pre_tokenizer.h"

namespace gradus::parts {

struct ByteLevelDecoder {  // letters of GPT-2's alphabet become bytes
    bool operator==(const ByteLevelDecoder&) const = default;
};

struct MetaspaceDecoder {
    std::string replacement = "\u2581";
    PrependScheme prepend_scheme = PrependScheme::always;
    bool split = true;
    bool operator==(const MetaspaceDecoder&) const = default;
};

struct WordPieceDecoder {
    std::string prefix = "##";
    bool cleanup = true;  // no spaces before punctuation and in contractions
    bool operator==(const WordPieceDecoder&) const = default;
};

struct BpeDecoder {
    std::string suffix = "</w>";  // becomes a space
    bool operator==(const BpeDecoder&) const = default;
};

struct CtcDecoder {
    std::string pad_token = "<pad>", word_delimiter_token = "|";
    bool cleanup = true;
    bool operator==(const CtcDecoder&) const = default;
};

struct ReplaceDecoder {
    Pattern pattern;
    std::string content;
    bool operator==(const ReplaceDecoder&) const = default;
};

struct FuseDecoder {  // joins all texts
    bool operator==(const FuseDecoder&) const = default;
};

struct StripDecoder {           // up to `start` of `content` at the beginning of each text, up to `stop` at its end
    std::string content = " ";  // one character
    size_t start = 0, stop = 0;
    bool operator==(const StripDecoder&) const = default;
};

struct
    ByteFallbackDecoder {  // runs of <0x00> to <0xFF> become the text of these bytes, or a U+FFFD for each if they are not UTF-8
    bool operator==(const ByteFallbackDecoder&) const = default;
};

using Decoder = std::variant<ByteLevelDecoder, MetaspaceDecoder, WordPieceDecoder, BpeDecoder, CtcDecoder,
                             ReplaceDecoder, FuseDecoder, StripDecoder, ByteFallbackDecoder>;

}  // namespace gradus::parts
