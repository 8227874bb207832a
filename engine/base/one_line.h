#pragma once
// Foreign text (of files, their names, the command line) as a message may show it: UTF-8 without control characters, which
// could garble a terminal or control it. Error::text(), note() and tell() send all they print through here.
#include <string>
#include <string_view>

namespace gradus {

// Bytes of the UTF-8 character that begins there; 0: none does.
size_t character_at(std::string_view text, size_t at);

// Control characters become spaces, bytes that are no UTF-8 U+FFFD, and what is longer than so many bytes is cut between two
// characters.
std::string on_one_line(std::string_view text, size_t longest = std::string_view::npos);

// The same for a text of several lines: line feeds and tabs stay.
std::string printable(std::string_view text);

}  // namespace gradus
