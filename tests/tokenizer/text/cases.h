#pragma once
// The golden file of the text side (tools/generate/text_goldens.py): its random texts, its cases by name, and how results are written.
#include "engine/base/fnv.h"
#include "tests/tokenizer/goldens.h"
#include "tokenizer/parts/decoder.h"
#include "tokenizer/parts/normalizer.h"
#include "tokenizer/parts/pre_tokenizer.h"
#include "tokenizer/unicode.h"

namespace gradus::testing {

inline const nlohmann::json& text_golden() {
    static const nlohmann::json all = golden("text.json");
    return all;
}

inline std::vector<std::string> golden_texts() {
    const nlohmann::json& pool = text_golden()["pool"];
    std::vector<std::string> texts(text_golden()["texts"].get<size_t>());
    Numbers numbers(7);
    for (std::string& text : texts)
        for (uint64_t left = numbers.below(25); left > 0; --left)
            append_utf8(text, pool[numbers.below(pool.size())].get<uint32_t>());
    return texts;
}

inline std::vector<std::vector<std::string>> golden_token_lists() {
    const nlohmann::json& tokens = text_golden()["tokens"];
    std::vector<std::vector<std::string>> lists(text_golden()["texts"].get<size_t>());
    Numbers numbers(11);
    for (auto& list : lists)
        for (uint64_t left = 1 + numbers.below(8); left > 0; --left)
            list.push_back(tokens[numbers.below(tokens.size())].get<std::string>());
    return lists;
}

inline std::string written_digest(uint64_t digest) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(digest));
    return text;
}

// Compares the results of all texts with a case of the golden file: the first ones as they are, all by their hash.
template <class Inputs, class Result>
void require_case(const nlohmann::json& expected, const Inputs& inputs, Result&& result_of) {
    uint64_t digest = fnv_start;
    size_t index = 0;
    for (const auto& input : inputs) {
        const std::string result = result_of(input);
        if (index < expected["first"].size()) {
            INFO("text " << index);
            REQUIRE(result == expected["first"][index].template get<std::string>());
        }
        ++index;
        for (const char byte : result + "\n") digest = fnv_step(digest, uint8_t(byte));
    }
    REQUIRE(written_digest(digest) == expected["hash"].get<std::string>());
}

inline std::string written(uint64_t begin, uint64_t end) {
    return "@" + std::to_string(begin) + "-" + std::to_string(end);
}

inline parts::Pattern literal(std::string text) { return {false, std::move(text)}; }
inline parts::Pattern expression(std::string text) { return {true, std::move(text)}; }

}  // namespace gradus::testing
