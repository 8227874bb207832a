#pragma once
// The golden models, as parts and names.
#include "tests/tokenizer/goldens.h"
#include "tokenizer/models/model_token.h"
#include "tokenizer/models/token_names.h"

namespace gradus {

inline TokenNames names_of(const nlohmann::json& vocab) {
    TokenNames names;
    for (const auto& [name, id] : vocab.items()) {
        if (names.size() <= id.get<size_t>()) names.resize(id.get<size_t>() + 1);
        names[id.get<size_t>()] = name;
    }
    return names;
}

// Compares ids, ids from the cache, and offsets.
template <class Encoder>
void check_cases(const Encoder& model, const nlohmann::json& pieces, const nlohmann::json& cases, bool offsets = true) {
    REQUIRE(pieces.size() == cases.size());
    for (size_t i = 0; i < pieces.size(); ++i) {
        const std::string piece = pieces[i];
        CAPTURE(piece);
        std::vector<ModelToken> tokens;
        model.encode(piece, tokens);
        std::vector<int32_t> ids, begins_and_ends;
        append_ids(tokens, ids);
        REQUIRE(ids == cases[i][0].get<std::vector<int32_t>>());
        for (const ModelToken& token : tokens)
            begins_and_ends.insert(begins_and_ends.end(), {int32_t(token.begin), int32_t(token.end)});
        if (offsets) REQUIRE(begins_and_ends == cases[i][1].get<std::vector<int32_t>>());
        for (int round = 0; round < 2; ++round) {
            std::vector<int32_t> cached;
            model.encode(piece, cached);
            REQUIRE(cached == ids);
        }
    }
}

template <class Encoder>
std::vector<int32_t> ids_of(const Encoder& model, std::string_view piece) {
    std::vector<int32_t> ids;
    model.encode(piece, ids);
    return ids;
}

template <class Encoder>
std::vector<ModelToken> tokens_of(const Encoder& model, std::string_view piece) {
    std::vector<ModelToken> tokens;
    model.encode(piece, tokens);
    return tokens;
}

}  // namespace gradus
