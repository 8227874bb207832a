#pragma once
// tokenizer.json, the file of Hugging Face's tokenizers library.
//
// Written: the pattern of KnownPattern as Split before ByteLevel, unless it is GPT-2's; model BPE with `vocab` and `merges` as strings "a b" (which every version reads; byte-level names have no
// spaces), pre_tokenizer and decoder ByteLevel, special tokens in added_tokens, and if documents open with a special
// token, the post-processor TemplateProcessing that puts it before a text. A character vocabulary is BPE without
// merges, without a pre-tokenizer, with the decoder Fuse. Keys with default values that older versions do not know are
// omitted.
//
// Read: the same (Llama 3 has cl100k's pattern), with either form of merges; a Sequence of any depth as its parts, if it has none or one; padding and
// truncation, which are settings of a batch, are ignored. Parts that change no id are ignored too (post_processor
// ByteLevel, a template that adds nothing, unk_token of a byte-level vocabulary). Anything else, from a normalizer to
// dropout, is refused by name: an id that differs from the library's is worse than no id.
#include <string>
#include <string_view>

#include "tokenizer/tokenizer_parts.h"

namespace gradus {

// The fix of an Error about a tokenizer of an unsupported kind.
inline constexpr const char* other_tokenizers =
    "use a model with characters or byte-level BPE with the pattern of GPT-2, GPT-4 or Qwen2, or train a tokenizer: "
    "gradus tokenizer train "
    "(convert and model.from do not need the folder's tokenizer)";

// Errors use `name` as the file's name.
TokenizerParts parse_tokenizer_json(std::string_view json, const std::string& name);
std::string write_tokenizer_json(const TokenizerParts& parts);

}  // namespace gradus
