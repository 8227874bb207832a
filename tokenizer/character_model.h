#pragma once
// Characters as a model: one id per code point of the vocabulary.
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace gradus {

class CharacterModel {
public:
    // Every token of the vocabulary that is neither special nor added is one code point in UTF-8.
    explicit CharacterModel(const Vocabulary& vocabulary);

    // The Error names the first character that is not in the vocabulary, or the first byte that is not UTF-8, with its
    // offset.
    void encode(std::string_view text, std::vector<int32_t>& out) const;

private:
    std::vector<int32_t> id_of_code_;  // -1: not in the vocabulary
};

}  // namespace gradus
