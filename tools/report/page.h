#pragma once
// A run as one HTML page that needs nothing else: no script, no font, no picture from elsewhere.
#include <string>

#include "tools/report/run.h"

namespace gradus {

std::string html_of(const ReportRun&);

}  // namespace gradus
