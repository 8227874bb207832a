#include "tools/log_gaps.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace gradus {

namespace {

struct Range {
    int64_t first, last;
};

std::vector<int64_t> steps_in(std::string_view text, int64_t last) {
    std::vector<int64_t> steps;
    // Text without a line feed is an incomplete line, which a resumed run drops (engine/base/log.h).
    for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
        const std::string_view line = text.substr(0, end);
        const auto json = nlohmann::json::parse(line, nullptr, false);
        if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) continue;
        if (const int64_t step = json["step"]; step >= 1 && step <= last) steps.push_back(step);
    }
    std::sort(steps.begin(), steps.end());
    return steps;
}

std::string text_of(const Range& r) {
    return r.first == r.last ? fmt::format("{}", r.first) : fmt::format("{} to {}", r.first, r.last);
}

}  // namespace

std::string steps_without_a_line(const fs::path& log, int64_t last) {
    constexpr size_t most = 3;
    std::error_code ignored;
    std::vector<int64_t> steps;
    if (fs::exists(log, ignored)) steps = steps_in(read_file(log), last);
    steps.push_back(last + 1);
    std::vector<Range> missing;
    int64_t next = 1;
    for (int64_t step : steps) {
        if (step > next) missing.push_back({next, step - 1});
        next = step + 1;
    }
    if (missing.empty()) return "";
    std::string text = missing.size() == 1 && missing[0].first == missing[0].last ? "step " : "steps ";
    for (size_t i = 0; i < std::min(missing.size(), most); ++i) text += (i > 0 ? ", " : "") + text_of(missing[i]);
    if (missing.size() > most) text += fmt::format(" and others up to {}", missing.back().last);
    return text;
}

}  // namespace gradus
