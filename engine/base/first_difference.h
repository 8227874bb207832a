#pragma once
// Where two texts of several lines differ, for messages about ranks or runs that must agree.
#include <string>
#include <utility>

namespace gradus {

// The first differing line of each: "nothing" where it is empty or missing, cut after 120 bytes.
std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b);

}  // namespace gradus
