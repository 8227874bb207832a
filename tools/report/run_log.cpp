#include "tools/report/run_log.h"

#include "tools/report/json_lines.h"

namespace gradus {

namespace {

// [[expected, share, pairs], …]; a bin that is none is left out.
std::vector<CalibrationBin> bins_in(const ReportJson& line) {
    std::vector<CalibrationBin> bins;
    const auto list = line.find("val_calibration");
    if (list == line.end() || !list->is_array()) return bins;
    for (const ReportJson& b : *list) {
        if (!b.is_array() || b.size() != 3 || !b[0].is_number() || !b[1].is_number() || !b[2].is_number()) continue;
        const CalibrationBin bin = {.pairs = b[2], .expected = b[0], .share = b[1]};
        const auto is_share = [](double x) { return x >= 0 && x <= 1; };
        if (bin.pairs > 0 && bin.pairs < 1e15 && is_share(bin.expected) && is_share(bin.share)) bins.push_back(bin);
    }
    return bins;
}

void go_back_to(ReportLog& log, double step) {
    for (auto& [key, curve] : log.curves)
        while (!curve.empty() && curve.back().x >= step) curve.pop_back();
    while (!log.calibrations.empty() && log.calibrations.back().step >= step) log.calibrations.pop_back();
}

}  // namespace

const Curve& ReportLog::curve(const std::string& key) const {
    static const Curve none;
    const auto found = curves.find(key);
    return found == curves.end() ? none : found->second;
}

Curve ReportLog::tokens_per_second() const {
    return combined(curve("tokens"), curve("ms"),
                    [](double tokens, double ms) { return ms > 0 ? tokens / ms * 1e3 : std::nan(""); });
}

ReportLog read_report_log(const fs::path& file) {
    ReportLog log;
    std::vector<double> skipped;
    bool begun = false;
    log.unreadable_lines = for_each_line(file, [&](const ReportJson& line) {
        const auto step = json_step(line);
        if (!step) return;
        const double x = double(*step);
        if (begun && *step <= log.steps) {
            go_back_to(log, x);
            while (!skipped.empty() && skipped.back() >= x) skipped.pop_back();
        }
        begun = true;
        log.steps = *step;
        for (const auto& [key, value] : line.items())
            if (key != "step" && value.is_number() && std::isfinite(value.get<double>()))
                log.curves[key].push_back({x, value});
        if (line.contains("skipped")) skipped.push_back(x);
        if (auto bins = bins_in(line); !bins.empty()) log.calibrations.push_back({x, std::move(bins)});
    });
    std::erase_if(log.curves, [](const auto& entry) { return entry.second.empty(); });
    log.skipped_steps = int64_t(skipped.size());
    return log;
}

}  // namespace gradus
