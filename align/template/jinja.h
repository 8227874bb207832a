#pragma once
// A chat template in Jinja, the form in which tokenizer_config.json stores it: transformers' apply_chat_template, vLLM
// and llama.cpp then write the same text.
//
// It uses only what all of these programs understand: for, if, set, + and the filter trim. Roles out of order raise an
// exception. Source: https://huggingface.co/docs/transformers/chat_templating
#include <string>

#include "align/template/chat_template.h"

namespace gradus {

enum class Answers {
    plain,
    marked,  // within {% generation %}, from which transformers computes a loss mask; other programs refuse it
};

// The template must be bound to a tokenizer (ChatEncoder::chat_template), so that {bos} and {eos} are known.
std::string jinja_of(const ChatTemplate& chat_template, Answers answers = Answers::plain);

}  // namespace gradus
