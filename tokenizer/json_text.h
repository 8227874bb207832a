#pragma once
// Parses JSON. The Error names line and column: text that is not JSON, numbers out of range, nesting so deep that
// printing or copying the value would overflow the stack.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace gradus {

nlohmann::json parse_json(std::string_view text, const std::string& name);

}  // namespace gradus
