#pragma once
// The content of a tokenizer file before validation: names of tokens with ids, merges by name, special tokens.
// The assemble functions validate it and convert it to parts.
//
// Refused, with an Error that names the token: ids that are not 0..V-1, each once; names outside the byte alphabet
// (or that are not one character); a byte without a token; merges of or into tokens that do not exist; duplicate
// merges; a special or added token that text could be merged into.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/tokenizer_parts.h"

namespace gradus {

struct VocabularyFile {
    std::string name;  // of the file, for errors
    std::vector<std::pair<std::string, int64_t>> tokens;
    std::vector<std::pair<std::string, std::string>> merges;
    std::vector<std::pair<std::string, int64_t>> specials, added;  // may also be among the tokens, with the same id
    bool ignore_merges = false;
};

// Names are written in GPT-2's byte alphabet (byte_alphabet.h), except those of special and added tokens, which are
// plain.
TokenizerParts assemble_byte_level_bpe(const VocabularyFile& file);
// Names are the characters themselves.
TokenizerParts assemble_characters(const VocabularyFile& file);

}  // namespace gradus
