#pragma once
// A token that is found in the text itself, before the text is split into pieces.
#include <cstdint>
#include <string>

namespace gradus::parts {

struct AddedToken {
    int32_t id = 0;
    std::string content;
    bool special = false;      // represents no text: only an encoding with special tokens recognises it
    bool single_word = false;  // only where no word character (\w) touches it
    bool lstrip = false;       // also takes the white space before it
    bool rstrip = false;       // and after it
    bool normalized = false;   // is searched in the normalized text, as its own normalized content

    bool operator==(const AddedToken&) const = default;
};

}  // namespace gradus::parts
