#pragma once
// The charts of one run, in the order in which they are added. What has no points is left out; every number of the log that no
// chart has taken can be drawn at the end.
#include <set>
#include <string>

#include "tools/report/chart.h"
#include "tools/report/run.h"

namespace gradus {

class ChartList {
public:
    // id: a prefix for ids, unique on the page.
    ChartList(const ReportRun& run, const std::string& id) : run_(run), id_(id) {}

    // A curve of the log, which then counts as drawn.
    const Curve& take(const std::string& key);

    void add(Chart);
    void add_with_log(Chart);
    void add_card(const std::string& html) { html_ += html; }
    // Tokens of a step / its time.
    void add_tokens_per_second(const std::string& title, const std::string& note = "");
    // What changes with every run: learning rate and norm of the gradient.
    void add_optimizer();

    const std::string& html() const { return html_; }
    std::string rest() const;  // cards of the numbers that are not taken, by their key

private:
    const ReportRun& run_;
    std::string id_, html_;
    std::set<std::string> taken_;
};

}  // namespace gradus
