#pragma once
// Pieces of HTML that every part of the page uses. Text from files goes through escape_html, always.
#include <string>
#include <utility>
#include <vector>

namespace gradus {

// Printable UTF-8 without <, >, & and quotes.
std::string escape_html(const std::string&);

// The same for what a model wrote, of which nothing may be left to see.
std::string answer_html(const std::string&);

// A relative path as the target of a link: percent-encoded.
std::string escape_path(const std::string&);

// A box with a number, and what it is.
std::string number_box(const std::string& value, const std::string& what);

// name │ value
std::string table_of(const std::vector<std::pair<std::string, std::string>>& rows);

}  // namespace gradus
