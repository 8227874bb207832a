#pragma once
// Curves over the steps of a run as inline SVG. Classes of the style sheet: band, line, bar, dot, mark, with s0, s1, … for
// the colour.
//
// A curve of many points is drawn as the mean of each bin of the x axis, over a pale band from the minimum to the
// maximum in that bin.
#include <optional>
#include <string>
#include <vector>

#include "tools/report/curve.h"

namespace gradus {

struct Series {
    std::string name;
    Curve points;
    bool dots = false;  // few points, each drawn; else a line with its band
    // Of dots, either none or one for each: from where to where the true value may lie.
    struct Range {
        double low = 0, high = 0;
    };
    std::vector<Range> ranges = {};
};

struct ChartMark {  // a horizontal line
    std::string name;
    double y = 0;
};

struct Chart {
    std::string title;      // with the unit
    std::string note = "";  // what good looks like
    std::vector<Series> series = {};
    std::vector<ChartMark> marks = {};
    std::string marks_name = "";  // in the legend
    bool log_x = false;
    bool from_zero = false;  // the y axis begins at 0
    // Fraction of the largest values outside the frame: first steps and spikes would flatten the rest.
    double outliers = 0;
    // The y axis begins, ends here whatever the values; at_least: it begins no lower.
    std::optional<double> low = {}, high = {}, at_least = {};
    std::string remark = "";  // what this run's values say

    bool empty() const;  // no series has a point
};

std::string svg_of(const Chart&);

// A card of the page: title, note, legend, chart, remark.
std::string card_of(const Chart&);
// The same curves over the step and over its logarithm, which shows the first steps. id: unique on the page.
std::string card_with_log(Chart, const std::string& id);

std::string chart_heading(const std::string& title, const std::string& note);
std::string legend_of(const std::vector<std::string>& names, const std::string& marks_name);

}  // namespace gradus
