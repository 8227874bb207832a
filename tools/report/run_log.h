#pragma once
// The numbers of a run's log.jsonl: a curve for each key, and the calibration of a reward model.
//
// A line whose step is not above that of the line before was written by a run that went back: it takes the place of what was
// written from that step on. Values that are null or not finite are gaps.
#include <map>
#include <string>
#include <vector>

#include "align/statistics/calibration.h"
#include "engine/base/file.h"
#include "tools/report/curve.h"

namespace gradus {

struct ReportLog {
    std::map<std::string, Curve> curves;  // key → value over the number of steps done

    struct Calibration {
        double step = 0;
        std::vector<CalibrationBin> bins;  // without their margin
    };
    std::vector<Calibration> calibrations;
    int64_t steps = 0;  // done
    int64_t skipped_steps = 0;
    int64_t unreadable_lines = 0;

    // Empty where the log has no such key.
    const Curve& curve(const std::string& key) const;
    Curve tokens_per_second() const;  // tokens of a step / its time
};

ReportLog read_report_log(const fs::path& file);

}  // namespace gradus
