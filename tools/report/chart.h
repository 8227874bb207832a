#pragma once
// Curves as inline SVG. Colours, type and lines belong to the page's style sheet (classes: grid, axis, band, line,
// dots, mark, with s0, s1, … for the colour), so that a chart follows light and dark.
//
// A curve of many points is drawn as the mean of each bin of the x axis, over a pale band from the minimum to the
// maximum in that bin.
#include <string>
#include <vector>

#include "tools/report/run.h"

namespace gradus {

struct Series {
    std::string name;
    Curve points;
    bool dots = false;  // few points, each drawn; else a line with its band
};

struct ChartMark {  // a horizontal line
    std::string name;
    double y = 0;
};

struct Chart {
    std::string title;  // for screen readers
    std::vector<Series> series;
    std::vector<ChartMark> marks;
    bool log_x = false;
    bool from_zero = false;  // the y axis begins at 0
    // Fraction of the largest values outside the frame: first steps and spikes would flatten the rest.
    double outliers = 0;
};

std::string svg_of(const Chart&);
std::string escape_html(const std::string&);

// 0, 0.5, 1, …: at most about `count` round numbers that cover [low, high].
std::vector<double> round_ticks(double low, double high, int count);

}  // namespace gradus
