#include "tools/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/log.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

constexpr double width = 520, height = 300, left = 56, right = 14, top = 14, bottom = 34;
constexpr int bin_count = 220;  // of the x axis; each becomes a point of a line

struct Frame {
    double x0, x1, y0, y1;
    bool log_x;

    double x(double v) const {
        const double share = log_x ? std::log(std::max(v, x0) / x0) / std::log(x1 / x0) : (v - x0) / (x1 - x0);
        return left + share * (width - left - right);
    }
    double y(double v) const { return top + (y1 - v) / (y1 - y0) * (height - top - bottom); }
};

struct Bin {
    double x = 0, mean = 0, least = 0, largest = 0;
};

std::vector<Bin> bins_of(const Curve& points, const Frame& f) {
    std::vector<Bin> out;
    int current = -1, count = 0;
    for (const Point& p : points) {
        const int here = int((f.x(p.x) - left) / (width - left - right) * bin_count);
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

std::string number(double v) {
    const double size = std::abs(v);
    if (size >= 10000) return text_of_count(v);
    if (size > 0 && size < 0.001) return fmt::format("{:.0e}", v);
    return fmt::format("{:.6g}", v);
}

std::vector<double> x_ticks(const Frame& f) {
    if (!f.log_x) return round_ticks(f.x0, f.x1, 6);
    std::vector<double> ticks;
    const bool few = f.x1 / f.x0 < 200;
    for (double decade = std::pow(10, std::floor(std::log10(f.x0))); decade <= f.x1; decade *= 10)
        for (double step : {1.0, 2.0, 5.0})
            if ((few || step == 1) && decade * step >= f.x0 && decade * step <= f.x1) ticks.push_back(decade * step);
    return ticks;
}

Frame frame_of(const Chart& chart) {
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
    for (const Series& s : chart.series)
        if (s.dots)
            for (const Point& p : s.points) low = std::min(low, p.y);
    for (const ChartMark& m : chart.marks) {
        low = std::min(low, m.y);
        high = std::max(high, m.y);
    }
    const double room = high > low ? 0.05 * (high - low) : std::max(0.5 * std::abs(high), 1e-9);
    Frame f = {*std::min_element(x.begin(), x.end()), *std::max_element(x.begin(), x.end()),
               chart.from_zero ? 0 : low - room, high + room, chart.log_x};
    if (f.log_x) f.x0 = std::max(f.x0, 1.0);
    else f.x0 = std::min(f.x0, 0.0);
    if (!(f.x1 > f.x0)) f.x1 = f.x0 + 1;
    return f;
}

void draw_axes(std::string& svg, const Frame& f) {
    for (double v : round_ticks(f.y0, f.y1, 5)) {
        svg += fmt::format(R"(<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)", left,
                           width - right, f.y(v), f.y(v));
        svg += fmt::format(R"(<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", left - 7,
                           f.y(v) + 4, number(v));
    }
    for (double v : x_ticks(f)) {
        svg += fmt::format(R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"/>)", f.x(v), top,
                           height - bottom);
        svg += fmt::format(R"(<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", f.x(v),
                           height - bottom + 17, number(v));
    }
    svg += fmt::format(R"(<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="end">step</text>)", width - right,
                       height - 3);
}

void draw_line(std::string& svg, const Frame& f, const Curve& points, size_t colour) {
    const std::vector<Bin> line = bins_of(points, f);
    std::string path, band, back;
    for (const Bin& s : line) {
        path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "M" : " L", f.x(s.x), f.y(s.mean));
        band += fmt::format("{}{:.1f},{:.1f}", band.empty() ? "M" : " L", f.x(s.x), f.y(s.largest));
        back = fmt::format(" L{:.1f},{:.1f}", f.x(s.x), f.y(s.least)) + back;
    }
    if (points.size() > line.size()) svg += fmt::format(R"(<path class="band s{}" d="{}{} Z"/>)", colour, band, back);
    svg += fmt::format(R"(<path class="line s{}" d="{}"/>)", colour, path);
}

void draw_dots(std::string& svg, const Frame& f, const Series& s, size_t colour) {
    constexpr size_t max_dots = 60;
    std::string path;
    for (const Point& p : s.points)
        path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "M" : " L", f.x(p.x), f.y(p.y));
    svg += fmt::format(R"(<path class="line s{}" d="{}"/>)", colour, path);
    if (s.points.size() > max_dots) return;
    for (const Point& p : s.points)
        svg += fmt::format(
            R"(<circle class="dot s{}" cx="{:.1f}" cy="{:.1f}" r="3.2"><title>{} at step {}: {:.4f}</title></circle>)",
            colour, f.x(p.x), f.y(p.y), escape_html(s.name), text_of_whole(int64_t(p.x)), p.y);
}

// A label is above its line, or below it if it would overlap the previous label.
void draw_marks(std::string& svg, const Frame& f, std::vector<ChartMark> marks) {
    std::sort(marks.begin(), marks.end(), [](const ChartMark& a, const ChartMark& b) { return a.y > b.y; });
    constexpr double letters = 12, gap = 4;
    double last = 0;
    for (const ChartMark& m : marks) {
        const double y = f.y(m.y), above = y - gap;
        const double label = above - letters >= last ? above : std::max(y + letters, last + letters);
        last = label;
        svg += fmt::format(R"(<line class="mark" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)", left,
                           width - right, y, y);
        svg += fmt::format(R"(<text class="marktext" x="{:.1f}" y="{:.1f}" text-anchor="end">{} {:.3f}</text>)",
                           width - right - 4, label, escape_html(m.name), m.y);
    }
}

}  // namespace

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

std::string escape_html(const std::string& text) {
    std::string out;
    for (char c : printable(text)) {
        if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '&') out += "&amp;";
        else if (c == '"') out += "&quot;";
        else out += c;
    }
    return out;
}

std::string svg_of(const Chart& chart) {
    const Frame f = frame_of(chart);
    std::string svg =
        fmt::format(R"(<svg viewBox="0 0 {} {}" role="img" aria-label="{}">)", width, height, escape_html(chart.title));
    draw_axes(svg, f);
    svg += fmt::format(R"(<svg x="{0}" y="{1}" width="{2}" height="{3}" viewBox="{0} {1} {2} {3}">)", left, top - 4,
                       width - left - right + 4,
                       height - top - bottom + 4);  // an inner frame clips what exceeds the axes
    for (size_t i = 0; i < chart.series.size(); ++i) {
        const Series& s = chart.series[i];
        if (s.points.empty()) continue;
        if (s.dots) draw_dots(svg, f, s, i);
        else draw_line(svg, f, s.points, i);
    }
    svg += "</svg>";
    draw_marks(svg, f, chart.marks);
    return svg + "</svg>";
}

}  // namespace gradus
