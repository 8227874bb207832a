#pragma once
// Shows a sample as the trainer sees it, for a person to check what is learnt before a run.
#include <span>
#include <string>

#include "tokenizer/tokenizer.h"

namespace gradus {

// {"ids": [1, 2], "learnt": [0, 1], "text": "…"}, one line without a line end. Bytes that are not UTF-8 become U+FFFD.
std::string sample_as_json(std::span<const int32_t> ids, std::span<const uint8_t> learnt, const Tokenizer& tokenizer);

enum class Colours {
    ansi,  // learnt text green, special tokens inverted
    none,  // learnt text between ⟦ and ⟧
};

// The text of the ids, as lines.
std::string sample_as_text(std::span<const int32_t> ids, std::span<const uint8_t> learnt, const Tokenizer& tokenizer,
                           Colours colours);

}  // namespace gradus
