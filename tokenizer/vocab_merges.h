#pragma once
// GPT-2's two files: vocab.json, an object of names to ids, and merges.txt, a line "a b" for each merge in order of
// rank, with an optional first line "#version: ...". Names are spelt in the byte alphabet; "<|endoftext|>" is
// special.
#include <string>
#include <string_view>

#include "tokenizer/tokenizer_parts.h"

namespace gradus {

// The texts of the files, and their names for errors.
TokenizerParts parse_vocab_and_merges(std::string_view vocab_json, const std::string& vocab_name,
                                      std::string_view merges_txt, const std::string& merges_name);

}  // namespace gradus
