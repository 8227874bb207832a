#pragma once
// The axes of a chart as inline SVG, and where a value lies between them. Colours, type and lines belong to the page's style
// sheet (classes: grid, tick), so that a chart follows light and dark.
#include <string>
#include <vector>

namespace gradus {

struct ChartTick {
    double at = 0;
    std::string text;
};

struct ChartFrame {
    static constexpr double width = 520, height = 300, left = 56, right = 14, top = 14, bottom = 34;  // of the SVG

    double x0 = 0, x1 = 1, y0 = 0, y1 = 1;  // values at the edges
    bool log_x = false;

    double x(double value) const;
    double y(double value) const;
    std::vector<ChartTick> x_ticks() const;
};

// The svg element with its axes; what is drawn next is clipped to the frame until end_of_frame.
std::string begin_chart(const std::string& title, const ChartFrame&, const std::vector<ChartTick>& x_ticks,
                        const std::string& x_name);
std::string end_of_frame();
std::string end_chart();

// 0, 0.5, 1, …: at most about `count` round numbers that cover [low, high].
std::vector<double> round_ticks(double low, double high, int count);

// As a tick shows it: 0.25, 1.2M, 3e-04.
std::string tick_text(double);

// Class of the i-th colour of the style sheet: s0, s1, …, and again from the first.
std::string colour_class(size_t i);

}  // namespace gradus
