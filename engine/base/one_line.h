#pragma once
// Text from a file as a line of an error may show it: control characters become spaces, and a long text is cut between two
// characters of UTF-8.
#include <string>

namespace gradus {

inline std::string on_one_line(std::string text, size_t longest) {
    if (text.size() > longest) {
        size_t end = longest;
        while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
        text.resize(end);
        text += "…";
    }
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
    return text;
}

}  // namespace gradus
