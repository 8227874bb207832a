#pragma once
// One line of a .jsonl file: an object with the document's text under a key.
//
// Ill-formed UTF-8 and lone surrogate escapes (\ud83d without its other half, which some writers leave when they cut
// text) become U+FFFD. Nothing that JSON's grammar (RFC 8259) allows makes a line bad: other keys may hold numbers of any
// size and nest as deep as they like, and of equal keys the first counts. Anything that is wrong is a BadLine.
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

// The text; or nothing, and `bad` says why.
std::optional<std::string> text_of_json_line(std::string_view line, const std::string& key, BadLine& bad);

// The opposite: {"text": …, "source": …} and a newline.
void append_json_line(std::string& line, std::string_view text, std::string_view source);

// Whether that line has at most so many bytes. It can have six for each byte of the text.
bool fits_json_line(std::string_view text, std::string_view source, size_t most);

// A JSON string, with its quotes. Ill-formed UTF-8, as in the name of a file, becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace gradus
