#pragma once
// Two models that read the same ids.
#include <string>

#include "engine/base/file.h"
#include "tokenizer/tokenizer.h"

namespace gradus {

// Error, with `fix`, if the tokenizer in `folder` has other tokens than `own`. `what`: the model in that folder, "the
// reward model".
void require_same_tokenizer(const Tokenizer& own, const fs::path& folder, const std::string& what,
                            const std::string& fix);

}  // namespace gradus
