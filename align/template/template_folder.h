#pragma once
// The chat template of a model's folder.
//
//   tokenizer_config.json       "chat_template": the Jinja template, for other programs. All other keys stay
//   gradus/chat_template.json   the description (chat_template.h), which gradus reads
#include <optional>

#include "align/template/chat_encoder.h"
#include "align/template/chat_template.h"
#include "engine/base/file.h"

namespace gradus {

// Replaces a template that the folder may have. Error if tokenizer_config.json is not a JSON object; then nothing is
// written. A note tells where transformers' generation prompt has other ids.
void save_chat_template(const fs::path& folder, const ChatEncoder& chat);

// The same as two texts, for a checkpoint that is being written: `config` is the present tokenizer_config.json or "".
std::string with_chat_template(const std::string& config, const ChatEncoder& chat, const std::string& where);

// Empty if the folder has no template. A Jinja template without gradus' description is recognised if it is one that
// gradus writes for a preset; otherwise it is an Error that asks for the name of the template.
std::optional<ChatTemplate> load_chat_template(const fs::path& folder, const Tokenizer& tokenizer);

}  // namespace gradus
