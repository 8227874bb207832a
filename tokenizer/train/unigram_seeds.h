#pragma once
// The first vocabulary of Unigram's training: characters and frequent substrings of words.
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/piece_counter.h"

namespace gradus {

struct UnigramSeed {
    std::string_view text;  // a part of a word
    double count;           // how often it occurs
    size_t chars;
};

// First all characters, in the order of their code points; then at most `most` substrings of 2 to `max_chars`
// characters, those with the most count · chars first. The words are UTF-8.
std::vector<UnigramSeed> unigram_seeds(const std::vector<PieceCounter::Piece>& words, size_t most, size_t max_chars);

}  // namespace gradus
