#pragma once
// Binds a chat template to a tokenizer: which tokens begin and end its texts, and which are missing.
#include <optional>
#include <string>
#include <vector>

#include "align/template/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace gradus {

// The template with {bos} and {eos} replaced, as far as the tokenizer has them.
//
//   {bos}  the only token that the tokenizer's post-processor puts before a text; else the first special token of
//          <s>, <|begin_of_text|>, <|bos|>, <|endoftext|>
//   {eos}  the first of </s>, <|endoftext|>, <|end_of_text|>, <|eos|>, <eos>
ChatTemplate bound_to(const ChatTemplate& chat_template, const Tokenizer& tokenizer);

// What a bound template needs and the tokenizer lacks: special tokens, {bos}, {eos} and, of a tokenizer of characters,
// characters.
std::vector<std::string> missing_tokens(const ChatTemplate& bound, const Tokenizer& tokenizer);

}  // namespace gradus
