#pragma once
// GPT-2's two files: vocab.json, an object of names to ids, and merges.txt, a line "a b" for each merge in order of rank,
// with an optional first line "#version: ...". Names are spelt in the byte alphabet.
//
// What transformers keeps beside them, where it is there:
//
//   added_tokens.json         an object of texts to ids above the vocabulary's
//   special_tokens_map.json   "eos_token": "<x>", or {"content": "<x>", …}: which tokens are special
//   tokenizer_config.json     the same; added_tokens_decoder, {"50257": {"content": "<x>", "special": true}, …};
//                             add_bos_token: whether bos_token opens a text; add_prefix_space, which is refused
//
// "<|endoftext|>" is special in any case. A special token that none of the files gives an id has none.
#include "engine/base/file.h"
#include "tokenizer/tokenizer_parts.h"

namespace gradus {

TokenizerParts read_vocab_and_merges(const fs::path& vocab_json, const fs::path& merges_txt);

}  // namespace gradus
