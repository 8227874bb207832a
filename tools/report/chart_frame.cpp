#include "tools/report/chart_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/log.h"
#include "tools/report/html.h"

namespace gradus {

double ChartFrame::x(double value) const {
    const double share = log_x ? std::log(std::max(value, x0) / x0) / std::log(x1 / x0) : (value - x0) / (x1 - x0);
    return left + share * (width - left - right);
}

double ChartFrame::y(double value) const { return top + (y1 - value) / (y1 - y0) * (height - top - bottom); }

std::vector<ChartTick> ChartFrame::x_ticks() const {
    std::vector<ChartTick> ticks;
    if (!log_x) {
        for (double v : round_ticks(x0, x1, 6)) ticks.push_back({v, tick_text(v)});
        return ticks;
    }
    const bool few = x1 / x0 < 200;
    for (double decade = std::pow(10, std::floor(std::log10(x0))); decade <= x1; decade *= 10)
        for (double step : {1.0, 2.0, 5.0})
            if ((few || step == 1) && decade * step >= x0 && decade * step <= x1)
                ticks.push_back({decade * step, tick_text(decade * step)});
    return ticks;
}

std::string begin_chart(const std::string& title, const ChartFrame& f, const std::vector<ChartTick>& x_ticks,
                        const std::string& x_name) {
    std::string svg =
        fmt::format(R"(<svg viewBox="0 0 {} {}" role="img" aria-label="{}">)", f.width, f.height, escape_html(title));
    for (double v : round_ticks(f.y0, f.y1, 5)) {
        svg += fmt::format(R"(<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)", f.left,
                           f.width - f.right, f.y(v), f.y(v));
        svg += fmt::format(R"(<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", f.left - 7,
                           f.y(v) + 4, tick_text(v));
    }
    for (const ChartTick& t : x_ticks) {
        svg += fmt::format(R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"/>)", f.x(t.at),
                           f.top, f.height - f.bottom);
        svg += fmt::format(R"(<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", f.x(t.at),
                           f.height - f.bottom + 17, escape_html(t.text));
    }
    svg += fmt::format(R"(<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", f.width - f.right,
                       f.height - 3, escape_html(x_name));
    // An inner frame clips what exceeds the axes.
    return svg + fmt::format(R"(<svg x="{0}" y="{1}" width="{2}" height="{3}" viewBox="{0} {1} {2} {3}">)", f.left,
                             f.top - 4, f.width - f.left - f.right + 4, f.height - f.top - f.bottom + 8);
}

std::string end_of_frame() { return "</svg>"; }

std::string end_chart() { return "</svg>"; }

std::vector<double> round_ticks(double low, double high, int count) {
    std::vector<double> ticks;
    if (!(high > low) || count < 1 || !std::isfinite(high - low)) return {low};
    const double rough = (high - low) / count, unit = std::pow(10, std::floor(std::log10(rough)));
    double step = 10 * unit;
    for (double s : {1.0, 2.0, 5.0})
        if (s * unit >= rough * 0.999) {
            step = s * unit;
            break;
        }
    for (double n = std::ceil(low / step - 1e-9); n * step <= high + 1e-9 * step && int(ticks.size()) <= 2 * count; ++n)
        ticks.push_back(n == 0 ? 0 : n * step);
    return ticks;
}

std::string tick_text(double value) {
    const double size = std::abs(value);
    if (size >= 10000) return text_of_count(value);
    if (size > 0 && size < 0.001) return fmt::format("{:.0e}", value);
    return fmt::format("{:.6g}", value);
}

std::string colour_class(size_t i) {
    constexpr size_t colours = 6;
    return fmt::format("s{}", i % colours);
}

}  // namespace gradus
