#pragma once
// Word-level model: a piece is a token, or the unknown token.
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/models/model_token.h"
#include "tokenizer/models/token_names.h"
#include "tokenizer/parts/model.h"

namespace gradus {

class WordLevelModel {
public:
    WordLevelModel(const parts::WordLevel& parts, const TokenNames& names);

    // Appends the token of a piece. Thread-safe. Error: an unknown piece, and no unknown token in the vocabulary.
    void encode(std::string_view piece, std::vector<ModelToken>& out) const;
    void encode(std::string_view piece, std::vector<int32_t>& out) const;

private:
    int32_t id_of(std::string_view piece) const;

    std::string unknown_;
    DoubleArray ids_;
    int32_t unknown_id_;
};

}  // namespace gradus
