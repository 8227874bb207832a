#pragma once
// --card, --blocks and --registers.
#include <string>

#include "tools/cli.h"

namespace gradus {

void add_model_options(CLI::App&, std::string& card, int& blocks, std::string& registers);

}  // namespace gradus
