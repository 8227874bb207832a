#pragma once
// JSON from files that may be damaged or hostile: config.json, the index of shards, the header of a safetensors file,
// our manifest.
//
// Stricter than the standard asks: a key said twice in one object is refused (readers disagree on which one counts), and
// so is nesting deeper than 32. Errors name the file, the line and the column.
//
// Source: RFC 8259.
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace gradus {

struct JsonText {
    nlohmann::json value;
    std::string problem;  // empty: value is what the text says
};

JsonText try_parse_json(std::string_view text);
// The same, with an Error for a problem. `file` is how the text is named in it; `fix` what it advises.
nlohmann::json parse_json(std::string_view text, const std::string& file, const std::string& fix);

// A name from a file as an error may show it: in quotes, cut where it is very long.
std::string shown(const std::string& name);

}  // namespace gradus
