#pragma once
// JSON from files that may be damaged or hostile: config.json, tokenizer.json, the index of shards, the header of a
// safetensors file, a manifest.
//
// Nesting deeper than 64 levels is refused, since a deep value costs a stack to copy or print. With JsonKeys::unique so
// is an object with a duplicate key: readers disagree on which one counts.
//
// Source: RFC 8259.
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace gradus {

enum class JsonKeys { unique, any };

struct JsonText {
    nlohmann::json value;
    std::string problem;           // "line 2, column 7: REASON"; empty: value is what the text says
    std::string reason;            // the same without the position
    int64_t line = 0, column = 0;  // from 1; 0: the problem has no position
};

JsonText try_parse_json(std::string_view text, JsonKeys = JsonKeys::unique);
// The same, but throws an Error that names `file` and advises `fix`.
nlohmann::json parse_json(std::string_view text, const std::string& file, const std::string& fix);

}  // namespace gradus
