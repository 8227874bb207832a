#pragma once
// One line of a .jsonl file: an object with the document's text under a key.
//
// Ill-formed UTF-8 and lone surrogate escapes (\ud83d without its other half, which some writers leave when they
// truncate text) become U+FFFD. Any line that JSON's grammar (RFC 8259) allows is accepted: other keys may hold numbers
// of any size and nest to any depth, and of duplicate keys the first one counts. Everything else is a BadLine.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gradus {

struct BadLine {
    size_t column = 1;  // in bytes, from 1
    std::string cause;
    std::string fix;  // empty: the line must be corrected or dropped
};

// The text; or empty, with the reason in `bad`.
std::optional<std::string> text_of_json_line(std::string_view line, const std::string& key, BadLine& bad);

// The opposite: {"text": …, "source": …} and a newline.
void append_json_line(std::string& line, std::string_view text, std::string_view source);

// Whether such a line fits into `most` bytes. A line can take six bytes per byte of the text.
bool fits_json_line(std::string_view text, std::string_view source, size_t most);

// Appends a JSON string with its quotes. Ill-formed UTF-8, as in the name of a file, becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace gradus
