#pragma once
// The JSON of a tokenizer's files (engine/base/json_text.h), with an Error that names file, line and column.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace gradus {

nlohmann::json parse_json(std::string_view text, const std::string& name);

}  // namespace gradus
