#pragma once
// tokenizer.json, the file of Hugging Face's tokenizers library.
//
// Written: model BPE with `vocab` and `merges` as strings "a b" (which every version reads; byte-level names hold no
// spaces), pre_tokenizer and decoder ByteLevel, specials in added_tokens. A character vocabulary is BPE without
// merges, without a pre-tokenizer, with the decoder Fuse. Keys at their default that older versions do not know are
// left out.
//
// Read: the same, in either form of merges, with or without what changes no id (post_processor ByteLevel, unk_token
// of a byte-level vocabulary). Anything else that the file asks for, from a normalizer to a dropout, is refused by
// name: an id that differs from the library's is worse than no id.
#include <string>
#include <string_view>

#include "tokenizer/tokenizer_parts.h"

namespace gradus {

// `name` stands for the file in errors.
TokenizerParts parse_tokenizer_json(std::string_view json, const std::string& name);
std::string write_tokenizer_json(const TokenizerParts& parts);

}  // namespace gradus
