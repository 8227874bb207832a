#pragma once
// JSON read with an Error that names line and column.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace gradus {

nlohmann::json parse_json(std::string_view text, const std::string& name);

}  // namespace gradus
