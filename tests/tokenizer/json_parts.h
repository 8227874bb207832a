#pragma once
// Parts of a tokenizer.json, shared by the tests of reading it.
#include "tests/tokenizer/goldens.h"

namespace gradus::testing {

using nlohmann::json;

inline json prose() { return golden("prose.json"); }

inline json sequence(const char* members, const std::vector<json>& parts) {
    return {{"type", "Sequence"}, {members, parts}};
}

inline json text_piece() { return {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}; }
inline json end_piece() { return {{"SpecialToken", {{"id", "<|endoftext|>"}, {"type_id", 0}}}}; }
inline json with_template(const std::vector<json>& single) {
    json token = {{"id", "<|endoftext|>"}, {"ids", json::array({0})}, {"tokens", json::array({"<|endoftext|>"})}};
    return {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", {{"<|endoftext|>", token}}}};
}

inline Error refusal(const json& file) {
    return error_of([&] { Tokenizer::parse(file.dump(), "some/tokenizer.json"); });
}

}  // namespace gradus::testing
