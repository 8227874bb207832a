#pragma once
// Which steps a log does not tell of: a log may have been deleted or shortened, or its disk full.
#include <cstdint>
#include <string>

#include "engine/base/file.h"

namespace gradus {

// The steps from 1 to the last one that have no line in a file of JSON lines, as text: "step 7", "steps 1 to 40, 55";
// at most a few ranges are spelled out. Empty: each has one.
std::string steps_without_a_line(const fs::path& log, int64_t last);

}  // namespace gradus
