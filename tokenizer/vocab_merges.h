#pragma once
// GPT-2's two files: vocab.json, an object of names to ids, and merges.txt, one line "a b" per merge in order of rank,
// with an optional first line "#version: ...". Names are written in the byte alphabet.
//
// The additional files of transformers are read if they exist:
//
//   added_tokens.json         an object of texts to ids above the vocabulary's
//   special_tokens_map.json   "eos_token": "<x>", or {"content": "<x>", …}: which tokens are special
//   tokenizer_config.json     the same; added_tokens_decoder, {"50257": {"content": "<x>", "special": true}, …};
//                             add_bos_token: whether bos_token opens a text; add_prefix_space, which is refused
//
// "<|endoftext|>" is always special. A special token without an id in any of the files has none.
#include "engine/base/file.h"
#include "tokenizer/tokenizer_parts.h"

namespace gradus {

TokenizerParts read_vocab_and_merges(const fs::path& vocab_json, const fs::path& merges_txt);

}  // namespace gradus
