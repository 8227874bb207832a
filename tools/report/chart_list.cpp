#include "tools/report/chart_list.h"

#include <utility>

namespace gradus {

namespace {

// Without the series that have no points.
Chart with_points(Chart chart) {
    std::erase_if(chart.series, [](const Series& s) { return s.points.empty(); });
    return chart;
}

}  // namespace

const Curve& ChartList::take(const std::string& key) {
    taken_.insert(key);
    return run_.curve(key);
}

void ChartList::add(Chart chart) {
    if (!chart.empty()) html_ += card_of(with_points(std::move(chart)));
}

void ChartList::add_with_log(Chart chart) {
    if (!chart.empty()) html_ += card_with_log(with_points(std::move(chart)), id_);
}

void ChartList::add_tokens_per_second(const std::string& title, const std::string& note) {
    take("tokens");
    take("ms");
    add({.title = title, .note = note, .series = {{"rate", run_.log.tokens_per_second()}}, .from_zero = true});
}

void ChartList::add_optimizer() {
    add({.title = "Learning rate", .series = {{"rate", take("lr")}}, .from_zero = true});
    add({.title = "Norm of the gradient, before clipping",
         .series = {{"norm", take("grad_norm")}},
         .from_zero = true,
         .outliers = 0.01});
}

std::string ChartList::rest() const {
    constexpr size_t most = 40;
    std::string html;
    size_t count = 0;
    for (const auto& [key, curve] : run_.log.curves)
        if (!taken_.contains(key) && key != "rolled_back_from" && ++count <= most)
            html += card_of({.title = key, .series = {{key, curve}}, .outliers = 0.01});
    return html;
}

}  // namespace gradus
