#pragma once
// A run as one self-contained HTML page: no scripts, no external fonts or pictures.
#include <string>

#include "tools/report/run.h"

namespace gradus {

std::string html_of(const ReportRun&);

}  // namespace gradus
