#pragma once
// Whether a reward model is as sure as it is right (align/statistics/calibration.h): for bins of held-out pairs, the probability
// that it gives the answer that it prefers, and how often that answer is the preferred one.
#include <string>

#include "tools/report/run_log.h"

namespace gradus {

// The card with the first and the last calibration of the log; "" if there is none.
std::string calibration_card(const ReportLog&);

}  // namespace gradus
