#include "tools/report/json_lines.h"

#include <algorithm>

namespace gradus {

int64_t for_each_line(const fs::path& file, const std::function<void(const ReportJson&)>& each) {
    int64_t bad = 0;
    const std::string text = read_file(file);
    for (size_t start = 0; start < text.size();) {
        const size_t end = std::min(text.find('\n', start), text.size());
        const ReportJson line =
            ReportJson::parse(text.begin() + int64_t(start), text.begin() + int64_t(end), nullptr, false);
        if (line.is_object()) each(line);
        else if (end < text.size()) ++bad;
        start = end + 1;
    }
    return bad;
}

double json_number(const ReportJson& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number() ? found->get<double>() : std::nan("");
}

std::string json_string(const ReportJson& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<int64_t> json_step(const ReportJson& object) {
    const auto found = object.find("step");
    if (found == object.end() || !found->is_number_integer()) return std::nullopt;
    const double step = found->get<double>();
    return step >= 0 && step < 1e15 ? std::optional<int64_t>(int64_t(step)) : std::nullopt;
}

ReportJson read_json(const fs::path& file) {
    return is_file(file) ? ReportJson::parse(read_file(file), nullptr, false) : ReportJson();
}

bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

}  // namespace gradus
