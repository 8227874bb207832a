#pragma once
// The table of docs/bench/model.md.
#include <string>

namespace gradus {

std::string model_table();  // in Markdown

}  // namespace gradus
