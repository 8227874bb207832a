#pragma once
// The chat template of a model's folder, for every command that needs one.
#include <string>

#include "align/template/chat_encoder.h"
#include "engine/base/file.h"

namespace gradus {

// The template that the user named (a preset, a file or TOML), or else the folder's own. `model`: the folder as the user
// named it; `option`: what names a template, "--template " or "--set sft.template=". Error if there is none, or if the
// tokenizer cannot express it: the fix uses the option.
ChatEncoder chat_encoder_of(const fs::path& folder, const Tokenizer&, const std::string& model,
                            const std::string& named, const std::string& option);

}  // namespace gradus
