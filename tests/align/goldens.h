#pragma once
// Shared by the tests of align/: golden files and the tokenizers they were made with.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "align/template/message.h"
#include "engine/base/error.h"
#include "tests/data/temporary_folder.h"
#include "tokenizer/tokenizer.h"

namespace gradus {

inline fs::path align_golden(const std::string& name) { return fs::path(GRADUS_ROOT) / "tests/goldens/align" / name; }

// Byte-level BPE of 407 ids with the special tokens of every preset.
inline const Tokenizer& chat_tokenizer() {
    static const Tokenizer tokenizer = Tokenizer::load(align_golden("tokenizer.json"));
    return tokenizer;
}

// GPT-2's kind of tokenizer: <|endoftext|> is its only special token.
inline const Tokenizer& tokenizer_of_bytes() {
    static const Tokenizer tokenizer = [] {
        std::vector<std::string> tokens;
        for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, char(byte));
        tokens.push_back("<|endoftext|>");
        TokenizerParts parts;
        parts.vocabulary = Vocabulary(tokens, {256});
        return Tokenizer(parts);
    }();
    return tokenizer;
}

inline Conversation conversation_of(const nlohmann::json& messages) {
    Conversation conversation;
    for (const auto& m : messages)
        conversation.push_back({m["role"].get<std::string>(), m["content"].get<std::string>()});
    return conversation;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace gradus
