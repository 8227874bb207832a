#pragma once
// Text hygiene: what every document goes through before anything looks at it (charset.h has made it UTF-8).
//
//   repair_utf8   replace_invalid_utf8 of tokenizer/unicode.h, at once where the text is valid
//   clean_text    CR LF and CR → LF, NUL dropped
//
// All of these are pure functions; none fails.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gradus {

bool is_valid_utf8(std::string_view text);

// The text with ill-formed parts replaced; valid text comes back as it is.
std::string repair_utf8(std::string_view text);

// How much of a text is UTF-8: its well-formed characters beyond ASCII, and its ill-formed parts.
struct Utf8Census {
    size_t beyond_ascii = 0, ill_formed = 0;
};
Utf8Census count_utf8(std::string_view text);

void clean_text(std::string& text);

// Without the white space (ASCII) at both ends.
std::string_view trimmed(std::string_view text);

// The words of a text joined by single spaces: equal for two texts that differ in white space only.
std::string with_single_spaces(std::string_view text);

// The largest boundary between characters of valid UTF-8 that is not after `at`.
size_t character_boundary(std::string_view text, size_t at);

// "1 file is", "2 files are": for messages.
std::string counted(int64_t n, const char* one, const char* many);

constexpr bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace gradus
