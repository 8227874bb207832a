#pragma once
// Text from a file as a line of an error may show it: whatever it holds, the error stays three lines of UTF-8.
#include <string>
#include <string_view>

namespace gradus {

// Control characters become spaces, bytes that are no UTF-8 U+FFFD, and what is longer than so many bytes is cut between two
// characters.
std::string on_one_line(std::string_view text, size_t longest);

}  // namespace gradus
