#pragma once
// .tiktoken, the vocabulary file of OpenAI's tiktoken: a line per token, its bytes in base64, a space and its rank,
// which is its id. Ids may be missing: those of special tokens, which the file does not have.
//
// tiktoken needs no merges: two tokens merge if their bytes together are a token, the lowest rank first. Files of
// Hugging Face have them, so they are recovered: byte-pair encoding of a token's bytes with the tokens of lower rank
// ends with the two tokens that the last merge joined.
// Source: tiktoken's load.py; the recovery is that of transformers' convert_slow_tokenizer.py.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/file.h"
#include "tokenizer/parts/model.h"

namespace gradus {

// The bytes of each id; empty where there is none.
using TiktokenVocabulary = std::vector<std::string>;

inline constexpr size_t longest_tiktoken_token = 1024;  // bytes; those of OpenAI have 128 at most

// Errors name the file and the line: not base64, not a rank, a rank or a token twice, a token that is empty or too
// long, a rank of more than twice the number of lines plus 1000, which is a broken file; no token. Errors use `name` as
// the file's name.
TiktokenVocabulary parse_tiktoken(std::string_view text, const std::string& name);
TiktokenVocabulary read_tiktoken(const fs::path& path);

std::string write_tiktoken(const TiktokenVocabulary& vocabulary);

struct TiktokenMerges {
    std::vector<parts::Merge> merges;  // by rank of the result
    std::vector<int32_t>
        unmergeable;  // tokens of two bytes and more that no merge makes: only a whole piece becomes one
};
TiktokenMerges recover_merges(const TiktokenVocabulary& vocabulary);

}  // namespace gradus
