#pragma once
// Which steps are missing from a log: it may have been deleted or truncated, or the disk was full.
#include <cstdint>
#include <string>

#include "engine/base/file.h"

namespace gradus {

// The steps from 1 to `last` without a line in a file of JSON lines, as text: "step 7", "steps 1 to 40, 55", with at
// most a few ranges. Empty if no step is missing.
std::string steps_without_a_line(const fs::path& log, int64_t last);

}  // namespace gradus
