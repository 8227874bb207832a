#include "tools/report/reward_against_kl.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/log.h"
#include "tools/report/chart.h"
#include "tools/report/chart_frame.h"
#include "tools/report/html.h"

namespace gradus {

namespace {

// An estimate of the divergence from few answers may be below 0, which the divergence is not.
double distance(double kl) { return std::sqrt(std::max(kl, 0.0)); }

ChartFrame frame_of(const std::vector<KlSeries>& series) {
    double farthest = 0, low = INFINITY, high = -INFINITY;
    for (const KlSeries& s : series)
        for (const KlPoint& p : s.points) {
            farthest = std::max(farthest, distance(p.kl));
            low = std::min(low, p.score);
            high = std::max(high, p.score);
        }
    const double room = high > low ? 0.08 * (high - low) : std::max(0.5 * std::abs(high), 1e-9);
    return {.x1 = farthest > 0 ? 1.04 * farthest : 1, .y0 = low - room, .y1 = high + room};
}

// Round distances, written as the divergence that they are the root of.
std::vector<ChartTick> kl_ticks(const ChartFrame& f) {
    std::vector<ChartTick> ticks;
    for (const double d : round_ticks(f.x0, f.x1, 6)) ticks.push_back({d, tick_text(d * d)});
    return ticks;
}

// From pale to full, with the share of the path behind.
double opacity_at(size_t i, size_t count) { return count > 1 ? 0.25 + 0.75 * double(i) / double(count - 1) : 1; }

void draw_path(std::string& svg, const ChartFrame& f, const KlSeries& s, const std::string& colour) {
    const size_t n = s.points.size();
    const auto x = [&](size_t i) { return f.x(distance(s.points[i].kl)); };
    const auto y = [&](size_t i) { return f.y(s.points[i].score); };
    for (size_t i = 1; i < n; ++i)
        svg += fmt::format(
            R"(<line class="way {}" stroke-opacity="{:.2f}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)", colour,
            opacity_at(i, n), x(i - 1), y(i - 1), x(i), y(i));
    for (size_t i = 0; i < n; ++i)
        svg += fmt::format(R"(<circle class="dot {}" fill-opacity="{:.2f}" cx="{:.1f}" cy="{:.1f}" r="3.4">)"
                           R"(<title>{}, step {}: KL {:.3f}, score {:+.3f}</title></circle>)",
                           colour, opacity_at(i, n), x(i), y(i), escape_html(s.name),
                           text_of_whole(int64_t(s.points[i].step)), s.points[i].kl, s.points[i].score);
}

// Steps beside some points, the last one first; one that would cover another is left out. `placed`: where
// labels are.
void draw_steps(std::string& svg, const ChartFrame& f, const std::vector<KlPoint>& points, size_t labels,
                std::vector<std::pair<double, double>>& placed) {
    constexpr double wide = 62, high = 15;
    const std::vector<size_t> chosen = spread_indices(points.size(), labels);
    for (auto i = chosen.rbegin(); i != chosen.rend(); ++i) {
        const double x = f.x(distance(points[*i].kl)), y = f.y(points[*i].score);
        const bool covers = std::any_of(placed.begin(), placed.end(), [&](const auto& p) {
            return std::abs(p.first - x) < wide && std::abs(p.second - y) < high;
        });
        if (covers) continue;
        placed.emplace_back(x, y);
        const bool at_right = x > f.width - f.right - wide;
        svg += fmt::format(R"(<text class="steptext" x="{:.1f}" y="{:.1f}" text-anchor="{}">step {}</text>)",
                           at_right ? x - 6 : x + 6, y < f.top + high ? y + 14 : y - 6, at_right ? "end" : "start",
                           text_of_whole(int64_t(points[*i].step)));
    }
}

}  // namespace

std::vector<KlPoint> kl_path(const Curve& kl, const Curve& score, size_t most) {
    std::vector<KlPoint> all;
    for (size_t i = 0, j = 0; i < kl.size() && j < score.size();) {
        if (kl[i].x < score[j].x) ++i;
        else if (score[j].x < kl[i].x) ++j;
        else {
            all.push_back({kl[i].x, kl[i].y, score[j].y});
            ++i, ++j;
        }
    }
    const size_t groups = std::min(all.size(), most);
    std::vector<KlPoint> out(groups);
    for (size_t g = 0; g < groups; ++g) {
        const size_t first = g * all.size() / groups, last = (g + 1) * all.size() / groups;
        for (size_t i = first; i < last; ++i) {
            out[g].kl += all[i].kl / double(last - first);
            out[g].score += all[i].score / double(last - first);
        }
        out[g].step = all[last - 1].step;
    }
    return out;
}

std::string kl_card(const std::vector<KlSeries>& given, const std::string& score_unit) {
    std::vector<KlSeries> series;
    std::vector<std::string> names;
    for (const KlSeries& s : given)
        if (!s.points.empty()) {
            series.push_back(s);
            names.push_back(s.name);
        }
    if (series.empty()) return "";
    const std::string title = "Score against KL to the reference";
    const ChartFrame f = frame_of(series);
    std::string svg = begin_chart(title, f, kl_ticks(f), "KL, nats per answer (√ scale)");
    for (size_t i = 0; i < series.size(); ++i) draw_path(svg, f, series[i], colour_class(i));
    svg += end_of_frame();
    std::vector<std::pair<double, double>> placed;
    for (const KlSeries& s : series) draw_steps(svg, f, s.points, series.size() == 1 ? 6 : 1, placed);
    svg += end_chart();
    return fmt::format(
        "<div class=card>{}{}{}</div>\n",
        chart_heading(
            title,
            "Score: " + score_unit +
                ". From pale (first steps) to dark (last). Good: up, and little to the right. To the right without "
                "going up is drift; a score that rises far to the right is often a reward model that is exploited: "
                "read the answers."),
        legend_of(names, ""), svg);
}

}  // namespace gradus
