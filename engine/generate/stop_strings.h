#pragma once
// Ends a text at the first of some strings, while the text still arrives in pieces.
//
// What might be the beginning of a stop string is held back until more text tells. The stop string itself is not part
// of the text.
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

class StopStrings {
public:
    explicit StopStrings(std::vector<std::string> stops);  // Error for an empty one

    // The text that is certain now. After stopped() it is always empty.
    std::string push(std::string_view piece);
    // The end of the text: what was held back.
    std::string flush();
    bool stopped() const { return stopped_; }

private:
    std::vector<std::string> stops_;
    std::string held_;
    bool stopped_ = false;
};

}  // namespace gradus
