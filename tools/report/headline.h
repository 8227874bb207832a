#pragma once
// The few numbers that say how a run went.
#include <string>
#include <utility>
#include <vector>

#include "tools/report/run.h"

namespace gradus {

// Value and what it is, the most important first.
std::vector<std::pair<std::string, std::string>> headline_of(const ReportRun&);

}  // namespace gradus
