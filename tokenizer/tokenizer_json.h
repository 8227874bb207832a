#pragma once
// tokenizer.json, the file of Hugging Face's tokenizers library.
//
// Written: model BPE with `vocab` and `merges` as strings "a b" (which every version reads; byte-level names hold no
// spaces), pre_tokenizer and decoder ByteLevel, specials in added_tokens, and where documents open with a special token, the
// post-processor TemplateProcessing that puts it before a text. A character vocabulary is BPE without merges, without a
// pre-tokenizer, with the decoder Fuse. Keys at their default that older versions do not know are left out.
//
// Read: the same, in either form of merges; a Sequence as the parts in it, of any depth, none or one; padding and truncation,
// which are settings of a batch, are left. What changes no id is left too (post_processor ByteLevel, a template that adds
// nothing, unk_token of a byte-level vocabulary). Anything else that the file asks for, from a normalizer to a dropout, is
// refused by name: an id that differs from the library's is worse than no id.
#include <string>
#include <string_view>

#include "tokenizer/tokenizer_parts.h"

namespace gradus {

// What to do with a model whose tokenizer is of a kind that is not read, as the fix of an Error.
inline constexpr const char* other_tokenizers =
    "use a model with byte-level BPE of GPT-2's kind or characters, or train a tokenizer: gradus tokenizer train "
    "(convert and "
    "model.from need none of the folder's)";

// `name` stands for the file in errors.
TokenizerParts parse_tokenizer_json(std::string_view json, const std::string& name);
std::string write_tokenizer_json(const TokenizerParts& parts);

}  // namespace gradus
