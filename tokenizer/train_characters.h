#pragma once
// A character vocabulary: every code point of the corpus in ascending order, with ids from 0; then, on request,
// "<|endoftext|>", so that it does not change the ids of the characters.
#include "tokenizer/text_source.h"
#include "tokenizer/tokenizer.h"

namespace gradus {

struct CharacterTraining {
    bool end_of_text = false;
};

// Error: a text that is not UTF-8 (with its index and the offset), a corpus without text.
Tokenizer train_characters(const TextSource& next, const CharacterTraining& training = {});

}  // namespace gradus
