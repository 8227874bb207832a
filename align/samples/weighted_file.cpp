#include "align/samples/weighted_file.h"

#include <charconv>

#include "engine/base/error.h"
#include "engine/base/one_line.h"

namespace gradus {

WeightedFile weighted_file(const std::string& text) {
    const size_t at = text.rfind('@');
    std::error_code ignored;
    if (at == std::string::npos || fs::exists(text, ignored)) return {text, 1};
    double weight = 0;
    const char* end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data() + at + 1, end, weight);
    if (problem != std::errc() || stop != end || !(weight >= 0.001 && weight <= 1000))
        throw Error("there is no file " + shown(text),
                    "what follows the @ is no weight, which is between 0.001 and 1000",
                    "write FILE, or FILE@0.5 to use half of its examples in each epoch");
    return {text.substr(0, at), weight};
}

}  // namespace gradus
