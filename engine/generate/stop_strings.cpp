#include "engine/generate/stop_strings.h"

#include <algorithm>
#include <utility>

#include "engine/base/error.h"

namespace gradus {

StopStrings::StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {
    for (const std::string& s : stops_)
        if (s.empty()) throw Error("a stop string is empty", "every text contains it", "--stop 'some text'");
}

std::string StopStrings::push(std::string_view piece) {
    if (stopped_) return "";
    held_ += piece;
    size_t end = std::string::npos;
    for (const std::string& s : stops_) end = std::min(end, held_.find(s));
    if (end != std::string::npos) {
        stopped_ = true;
        held_.resize(end);
        return std::exchange(held_, "");
    }
    size_t kept = 0;  // the longest suffix that is a prefix of a stop string
    for (const std::string& s : stops_)
        for (size_t n = std::min(s.size() - 1, held_.size()); n > kept; --n)
            if (held_.compare(held_.size() - n, n, s, 0, n) == 0) kept = n;
    std::string certain = held_.substr(0, held_.size() - kept);
    held_.erase(0, certain.size());
    return certain;
}

std::string StopStrings::flush() { return std::exchange(held_, ""); }

}  // namespace gradus
