#include "tools/report/calibration_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "align/statistics/accuracy.h"
#include "engine/base/log.h"
#include "tools/report/chart.h"
#include "tools/report/chart_frame.h"

namespace gradus {

namespace {

void draw_bins(std::string& svg, const ChartFrame& f, const std::vector<CalibrationBin>& bins,
               const std::string& colour) {
    double most = 0;
    for (const CalibrationBin& b : bins) most = std::max(most, b.pairs);
    std::string path;
    for (const CalibrationBin& b : bins)
        path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "M" : " L", f.x(b.expected), f.y(b.share));
    svg += fmt::format(R"(<path class="line {}" d="{}"/>)", colour, path);
    for (const CalibrationBin& b : bins) {
        const auto [low, high] = wilson_interval(b.share * b.pairs, b.pairs);
        svg += fmt::format(R"(<line class="bar {0}" x1="{1:.1f}" x2="{1:.1f}" y1="{2:.1f}" y2="{3:.1f}"/>)", colour,
                           f.x(b.expected), f.y(low), f.y(high));
        svg += fmt::format(R"(<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"><title>{} pairs: predicted )"
                           R"({:.3f}, observed {:.3f} ({:.3f} to {:.3f})</title></circle>)",
                           colour, f.x(b.expected), f.y(b.share), 2 + 3 * std::sqrt(b.pairs / most),
                           text_of_whole(int64_t(b.pairs)), b.expected, b.share, low, high);
    }
}

}  // namespace

std::string calibration_card(const ReportLog& log) {
    if (log.calibrations.empty()) return "";
    const ChartFrame f = {.x0 = 0.5, .x1 = 1.01, .y0 = 0, .y1 = 1.02};
    const std::string title = "Calibration: predicted against observed, held-out pairs";
    std::string svg = begin_chart(title, f, f.x_ticks(), "predicted probability of the higher answer");
    svg += fmt::format(R"(<line class="mark" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)", f.x(0.5), f.y(0.5),
                       f.x(1), f.y(1));
    std::vector<std::string> names = {fmt::format("step {}", text_of_whole(int64_t(log.calibrations.back().step)))};
    if (log.calibrations.size() > 1) {
        names.push_back(fmt::format("step {}", text_of_whole(int64_t(log.calibrations.front().step))));
        draw_bins(svg, f, log.calibrations.front().bins, colour_class(1));
    }
    draw_bins(svg, f, log.calibrations.back().bins, colour_class(0));
    svg += end_of_frame() + end_chart();
    return fmt::format(
        "<div class=card>{}{}{}<p class=note>calibration error {:.3f}: the mean distance from the "
        "diagonal</p></div>\n",
        chart_heading(title,
                      "Good: on the diagonal. Below it, the model is surer than it is right. A dot is a bin of pairs, "
                      "its bar the 95 % interval."),
        legend_of(names, "as sure as right"), svg, calibration_error(log.calibrations.back().bins));
}

}  // namespace gradus
