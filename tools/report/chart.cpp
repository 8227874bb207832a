#include "tools/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/log.h"
#include "tools/report/chart_frame.h"
#include "tools/report/html.h"

namespace gradus {

namespace {

constexpr int bin_count = 220;    // of the x axis; each becomes a point of a line
constexpr size_t most_dots = 60;  // a series of more is drawn as a line

struct Bin {
    double x = 0, mean = 0, least = 0, largest = 0;
};

std::vector<Bin> bins_of(const Curve& points, const ChartFrame& f) {
    std::vector<Bin> out;
    int current = -1, count = 0;
    for (const Point& p : points) {
        const int here = int((f.x(p.x) - f.left) / (f.width - f.left - f.right) * bin_count);
        if (here != current || out.empty()) {
            current = here;
            count = 0;
            out.push_back({0, 0, p.y, p.y});
        }
        Bin& s = out.back();
        ++count;
        s.x += (p.x - s.x) / count;
        s.mean += (p.y - s.mean) / count;
        s.least = std::min(s.least, p.y);
        s.largest = std::max(s.largest, p.y);
    }
    return out;
}

ChartFrame frame_of(const Chart& chart) {
    std::vector<double> x, y;
    for (const Series& s : chart.series)
        for (const Point& p : s.points) {
            x.push_back(p.x);
            y.push_back(p.y);
        }
    if (x.empty()) x = y = {0};
    std::sort(y.begin(), y.end());
    const size_t kept = std::min(y.size() - 1, size_t(double(y.size()) * (1 - chart.outliers)));
    double low = chart.from_zero ? 0 : y.front(), high = y[kept];
    for (const Series& s : chart.series) {
        if (s.dots)
            for (const Point& p : s.points) low = std::min(low, p.y);
        for (const Series::Range& r : s.ranges) {
            low = std::min(low, r.low);
            high = std::max(high, r.high);
        }
    }
    for (const ChartMark& m : chart.marks) {
        low = std::min(low, m.y);
        high = std::max(high, m.y);
    }
    if (chart.at_least) {
        low = std::max(low, *chart.at_least);
        high = std::max(high, low);
    }
    const double room = high > low ? 0.05 * (high - low) : std::max(0.5 * std::abs(high), 1e-9);
    ChartFrame f = {*std::min_element(x.begin(), x.end()), *std::max_element(x.begin(), x.end()),
                    chart.low.value_or(chart.from_zero ? 0 : low - room), chart.high.value_or(high + room),
                    chart.log_x};
    if (f.log_x) f.x0 = std::max(f.x0, 1.0);
    else f.x0 = std::min(f.x0, 0.0);
    if (!(f.x1 > f.x0)) f.x1 = f.x0 + 1;
    return f;
}

void draw_line(std::string& svg, const ChartFrame& f, const Curve& points, const std::string& colour) {
    const std::vector<Bin> line = bins_of(points, f);
    std::string path, band, back;
    for (const Bin& s : line) {
        path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "M" : " L", f.x(s.x), f.y(s.mean));
        band += fmt::format("{}{:.1f},{:.1f}", band.empty() ? "M" : " L", f.x(s.x), f.y(s.largest));
    }
    for (auto s = line.rbegin(); s != line.rend(); ++s)
        back += fmt::format(" L{:.1f},{:.1f}", f.x(s->x), f.y(s->least));
    if (points.size() > line.size()) svg += fmt::format(R"(<path class="band {}" d="{}{} Z"/>)", colour, band, back);
    svg += fmt::format(R"(<path class="line {}" d="{}"/>)", colour, path);
    if (points.size() == 1)
        svg += fmt::format(R"(<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="3.2"/>)", colour, f.x(points[0].x),
                           f.y(points[0].y));
}

void draw_dots(std::string& svg, const ChartFrame& f, const Series& s, const std::string& colour) {
    std::string path;
    for (const Point& p : s.points)
        path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "M" : " L", f.x(p.x), f.y(p.y));
    svg += fmt::format(R"(<path class="line {}" d="{}"/>)", colour, path);
    for (size_t i = 0; i < std::min(s.points.size(), s.ranges.size()); ++i)
        svg += fmt::format(R"(<line class="bar {0}" x1="{1:.1f}" x2="{1:.1f}" y1="{2:.1f}" y2="{3:.1f}"/>)", colour,
                           f.x(s.points[i].x), f.y(s.ranges[i].low), f.y(s.ranges[i].high));
    for (const Point& p : s.points)
        svg += fmt::format(
            R"(<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="3.2"><title>{} at step {}: {:.4f}</title></circle>)",
            colour, f.x(p.x), f.y(p.y), escape_html(s.name), text_of_whole(int64_t(p.x)), p.y);
}

std::string mark_text(double value) {
    return value == std::round(value) ? tick_text(value) : fmt::format("{:.3f}", value);
}

// A label is above its line, or below it if it would overlap the previous label.
void draw_marks(std::string& svg, const ChartFrame& f, std::vector<ChartMark> marks) {
    std::sort(marks.begin(), marks.end(), [](const ChartMark& a, const ChartMark& b) { return a.y > b.y; });
    constexpr double letters = 12, gap = 4;
    double last = 0;
    for (const ChartMark& m : marks) {
        const double y = f.y(m.y), above = y - gap;
        const double label = above - letters >= last ? above : std::max(y + letters, last + letters);
        last = label;
        svg += fmt::format(R"(<line class="mark" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)", f.left,
                           f.width - f.right, y, y);
        svg += fmt::format(R"(<text class="marktext" x="{:.1f}" y="{:.1f}" text-anchor="end">{} {}</text>)",
                           f.width - f.right - 4, label, escape_html(m.name), mark_text(m.y));
    }
}

std::string legend_of_chart(const Chart& chart) {
    std::vector<std::string> names;
    for (const Series& s : chart.series) names.push_back(s.name);
    return legend_of(names, chart.marks.empty() ? "" : chart.marks_name);
}

std::string remark_of(const Chart& chart) {
    return chart.remark.empty() ? "" : fmt::format("<p class=remark>{}</p>", escape_html(chart.remark));
}

}  // namespace

bool Chart::empty() const {
    return std::all_of(series.begin(), series.end(), [](const Series& s) { return s.points.empty(); });
}

std::string svg_of(const Chart& chart) {
    const ChartFrame f = frame_of(chart);
    std::string svg = begin_chart(chart.title, f, f.x_ticks(), "step");
    for (size_t i = 0; i < chart.series.size(); ++i) {
        const Series& s = chart.series[i];
        if (s.points.empty()) continue;
        if (s.dots && s.points.size() <= most_dots) draw_dots(svg, f, s, colour_class(i));
        else draw_line(svg, f, s.points, colour_class(i));
    }
    svg += end_of_frame();
    draw_marks(svg, f, chart.marks);
    return svg + end_chart();
}

std::string chart_heading(const std::string& title, const std::string& note) {
    return fmt::format("<h3>{}</h3>{}", escape_html(title),
                       note.empty() ? "" : fmt::format("<p class=note>{}</p>", escape_html(note)));
}

std::string legend_of(const std::vector<std::string>& names, const std::string& marks_name) {
    if (names.size() <= 1 && marks_name.empty()) return "";  // the title is enough
    std::string html = "<div class=legend>";
    for (size_t i = 0; i < names.size(); ++i)
        html += fmt::format("<span><i class={}></i>{}</span>", colour_class(i), escape_html(names[i]));
    if (!marks_name.empty()) html += fmt::format("<span><i class=marks></i>{}</span>", escape_html(marks_name));
    return html + "</div>";
}

std::string card_of(const Chart& chart) {
    return fmt::format("<div class=card>{}{}{}{}</div>\n", chart_heading(chart.title, chart.note),
                       legend_of_chart(chart), svg_of(chart), remark_of(chart));
}

std::string card_with_log(Chart chart, const std::string& id) {
    std::string html = fmt::format(
        "<div class='card tabs'><input type=radio name={0} id={0}-log><label for={0}-log>log</label>"
        "<input type=radio name={0} id={0}-linear checked><label for={0}-linear>linear</label>",
        id);
    html += chart_heading(chart.title, chart.note) + legend_of_chart(chart);
    const std::string linear = svg_of(chart);
    chart.log_x = true;
    chart.outliers = 0;
    html += "<div class='view view1'>" + svg_of(chart) + "</div><div class='view view2'>" + linear + "</div>";
    return html + remark_of(chart) + "</div>\n";
}

}  // namespace gradus
