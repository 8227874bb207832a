#include "engine/base/first_difference.h"

#include <algorithm>

namespace gradus {

std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b) {
    size_t start = 0;  // of a line, in both: the lines before it are equal
    const auto line = [&](const std::string& text) {
        return start < text.size() ? text.substr(start, text.find('\n', start) - start) : std::string();
    };
    while (start < std::max(a.size(), b.size()) && line(a) == line(b)) start += line(a).size() + 1;
    const auto shown = [&](const std::string& text) {
        const std::string whole = line(text);
        return whole.empty() ? std::string("nothing") : whole.substr(0, 120);
    };
    return {shown(a), shown(b)};
}

}  // namespace gradus
