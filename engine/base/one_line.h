#pragma once
// Text of unknown origin (from files, their names, the command line) made safe for messages: UTF-8 without control
// characters, which could garble or control a terminal. Error::text(), note() and tell() pass all they print through
// here.
#include <string>
#include <string_view>

namespace gradus {

// Length in bytes of the UTF-8 character that begins at `at`; 0: no valid character begins there.
size_t character_at(std::string_view text, size_t at);

// Replaces control characters by spaces and bytes that are not UTF-8 by U+FFFD, and cuts a text longer than `longest`
// bytes between two characters.
std::string on_one_line(std::string_view text, size_t longest = std::string_view::npos);

// A name from a file as an error shows it: in quotes, on one line, cut if it is very long.
std::string shown(std::string_view name);

// The same for a text of several lines: line feeds and tabs stay.
std::string printable(std::string_view text);

}  // namespace gradus
