#include "tools/report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/log.h"
#include "tools/report/chart.h"
#include "tools/report/style.h"

namespace gradus {

namespace {

constexpr double first_steps = 0.02;  // fraction of the steps whose high loss may be outside the frame

double median_of(const Curve& c) {
    std::vector<double> y;
    for (const Point& p : c) y.push_back(p.y);
    if (y.empty()) return 0;
    std::nth_element(y.begin(), y.begin() + int64_t(y.size() / 2), y.end());
    return y[y.size() / 2];
}

double least_of(const Curve& c) {
    double least = c.front().y;
    for (const Point& p : c) least = std::min(least, p.y);
    return least;
}

// The mean of the last twentieth of the steps, since the loss of a single step is noisy.
double settled_loss(const Curve& c) {
    const size_t n = std::max<size_t>(1, c.size() / 20);
    double sum = 0;
    for (size_t i = c.size() - n; i < c.size(); ++i) sum += c[i].y;
    return sum / double(n);
}

std::string number(const std::string& value, const std::string& what) {
    return fmt::format("<div class=number><b>{}</b><span>{}</span></div>\n", escape_html(value), escape_html(what));
}

std::string headline(const ReportRun& r) {
    std::string html = "<div class=numbers>\n";
    if (!r.val_bits_per_byte.empty())
        html += number(fmt::format("{:.4f}", r.last(r.val_bits_per_byte)), "bits per byte, validation");
    if (!r.val_loss.empty()) {
        html += number(fmt::format("{:.4f}", r.last(r.val_loss)), "validation loss, nats per token");
        if (least_of(r.val_loss) < r.last(r.val_loss))
            html += number(fmt::format("{:.4f}", least_of(r.val_loss)), "its lowest");
    }
    html += number(fmt::format("{:.4f}", settled_loss(r.loss)), "training loss, last steps");
    if (r.parameters > 0) html += number(text_of_count(r.parameters), "parameters");
    html += number(text_of_count(r.tokens), "tokens seen");
    const double rate = median_of(r.tokens_per_second);
    if (rate > 0) html += number(text_of_count(rate), "tokens per second, median");
    if (rate > 0 && r.parameters > 0)
        html += number(fmt::format("{:.1f}", 6 * r.parameters * rate * 1e-9), "GFLOP/s (6 × parameters × tokens/s)");
    if (r.seconds > 0) html += number(text_of_seconds(r.seconds), "in training steps");
    return html + "</div>\n";
}

std::string legend(const Chart& chart) {
    if (chart.series.size() == 1 && chart.marks.empty()) return "";  // the title is enough
    std::string html = "<div class=legend>";
    for (size_t i = 0; i < chart.series.size(); ++i)
        html += fmt::format("<span><i class=c{}></i>{}</span>", i, escape_html(chart.series[i].name));
    if (!chart.marks.empty()) html += "<span><i class=cm></i>baselines</span>";
    return html + "</div>";
}

std::string card(const Chart& chart) {
    return fmt::format("<div class=card><h3>{}</h3>{}{}</div>\n", escape_html(chart.title), legend(chart),
                       svg_of(chart));
}

// The same curves over the step and over its logarithm, which shows the first steps.
std::string card_with_log(Chart chart) {
    std::string html =
        "<div class='card tabs'><input type=radio name=x id=log><label for=log>log</label>"
        "<input type=radio name=x id=linear checked><label for=linear>linear</label>";
    html += fmt::format("<h3>{}</h3>{}", escape_html(chart.title), legend(chart));
    const std::string linear = svg_of(chart);
    chart.log_x = true;
    chart.outliers = 0;
    html += "<div class='view view1'>" + svg_of(chart) + "</div><div class='view view2'>" + linear + "</div>";
    return html + "</div>\n";
}

std::string charts(const ReportRun& r) {
    std::string html = "<div class=charts>\n";
    Chart loss = {.title = "Loss, nats per token", .series = {{"training", r.loss}}, .outliers = first_steps};
    if (!r.val_loss.empty()) loss.series.push_back({"validation", r.val_loss, true});
    html += card_with_log(loss);
    if (!r.val_bits_per_byte.empty()) {
        Chart bits = {.title = "Bits per byte of the validation text",
                      .series = {{"this model", r.val_bits_per_byte, true}}};
        for (const auto& [name, value] : r.baselines) bits.marks.push_back({name, value});
        html += card(bits);
    }
    html += card({.title = "Learning rate", .series = {{"rate", r.lr}}, .from_zero = true});
    html += card({.title = "Norm of the gradient, before clipping",
                  .series = {{"norm", r.grad_norm}},
                  .from_zero = true,
                  .outliers = 0.01});
    html += card({.title = "Tokens per second", .series = {{"rate", r.tokens_per_second}}, .from_zero = true});
    return html + "</div>\n";
}

template <class Rows>
std::string table(const Rows& rows) {
    std::string html = "<div class=scroll><table>";
    for (const auto& [name, value] : rows)
        html += fmt::format("<tr><td>{}</td><td>{}</td></tr>", escape_html(name), escape_html(value));
    return html + "</table></div>\n";
}

std::string sample(const ReportRun::Sample& s) {
    return fmt::format("<div class=sample><span class=note>step {}</span><pre><b>{}</b>{}</pre></div>\n",
                       text_of_whole(s.step), escape_html(s.prompt), escape_html(s.text));
}

std::string samples(const ReportRun& r) {
    constexpr size_t max_earlier = 60;
    if (r.samples.empty()) return "";
    std::string html = "<h2>What it writes</h2>\n", earlier;
    size_t count = 0;
    for (const ReportRun::Sample& s : r.samples) {
        if (s.step == r.samples.front().step) html += sample(s);
        else if (++count <= max_earlier) earlier += sample(s);
    }
    if (!earlier.empty()) html += "<details><summary>earlier texts</summary>\n" + earlier + "</details>\n";
    return html;
}

}  // namespace

std::string html_of(const ReportRun& r) {
    std::string html =
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>\n";
    html += fmt::format("<title>{} — gradus</title>\n<style>{}</style></head>\n<body><main>\n", escape_html(r.name),
                        report_style);
    const double done = r.loss.back().x;
    html += fmt::format("<h1>{}</h1>\n<p class=lead>{}{} steps</p>\n", escape_html(r.name),
                        text_of_whole(int64_t(done)), r.steps > 0 ? " of " + text_of_whole(int64_t(r.steps)) : "");
    if (r.unreadable_lines > 0)
        html += fmt::format("<p class=note>{} lines of the log could not be read</p>\n", r.unreadable_lines);
    html += headline(r) + charts(r) + samples(r);
    if (!r.data.empty() || !r.facts.empty()) {
        html += "<h2>Data</h2>\n<div class=two>" + (r.facts.empty() ? "" : table(r.facts));
        html += (r.data.empty() ? "" : table(r.data)) + "</div>\n";
    }
    if (!r.settings.empty())
        html += "<h2>Settings</h2>\n<details open><summary>every setting of the run</summary>\n" + table(r.settings) +
                "</details>\n";
    return html + "</main></body></html>\n";
}

}  // namespace gradus
