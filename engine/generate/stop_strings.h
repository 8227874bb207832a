#pragma once
// Ends a streamed text at the first of several stop strings.
//
// Text that may be the beginning of a stop string is held back until it is decided. The stop string itself is not part
// of the text.
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

class StopStrings {
public:
    explicit StopStrings(std::vector<std::string> stops);  // Error for an empty one

    // The text that can be shown now. Always empty after stopped().
    std::string push(std::string_view piece);
    // At the end of the text: the text held back.
    std::string flush();
    bool stopped() const { return stopped_; }

private:
    std::vector<std::string> stops_;
    std::string held_;
    bool stopped_ = false;
};

}  // namespace gradus
