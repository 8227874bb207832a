#pragma once
// JSON read with an Error that names line and column: text that is no JSON, a number that no machine holds, lists and
// objects inside each other beyond any use (a value that deep costs a stack to print or copy).
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace gradus {

nlohmann::json parse_json(std::string_view text, const std::string& name);

}  // namespace gradus
