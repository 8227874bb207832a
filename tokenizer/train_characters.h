#pragma once
// A character vocabulary: every code point of the corpus, in rising order, with ids from 0; then, if asked for,
// "<|endoftext|>", which so leaves the ids of the characters alone.
#include "tokenizer/text_source.h"
#include "tokenizer/tokenizer.h"

namespace gradus {

struct CharacterTraining {
    bool end_of_text = false;
};

// Error: a text that is not UTF-8 (its number and offset are named), a corpus without text.
Tokenizer train_characters(const TextSource& next, const CharacterTraining& training = {});

}  // namespace gradus
