#pragma once
// Basic cleaning that every document gets first (charset.h has already converted it to UTF-8).
//
//   repair_utf8   replace_invalid_utf8 of tokenizer/unicode.h, with a fast path for valid text
//   clean_text    CR LF and CR → LF, NUL removed
//
// All of these are pure functions and never fail.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gradus {

bool is_valid_utf8(std::string_view text);

// Replaces ill-formed parts; valid text is returned unchanged.
std::string repair_utf8(std::string_view text);

// Counts the well-formed characters beyond ASCII and the ill-formed parts of a text.
struct Utf8Counts {
    size_t non_ascii = 0, ill_formed = 0;
};
Utf8Counts count_utf8(std::string_view text);

void clean_text(std::string& text);

// Without ASCII white space at both ends.
std::string_view trimmed(std::string_view text);

// The words of a text joined by single spaces: equal for two texts that differ only in white space.
std::string with_single_spaces(std::string_view text);

// The last boundary between characters of valid UTF-8 that is not after `at`.
size_t character_boundary(std::string_view text, size_t at);

// "1 file is", "2 files are": for messages.
std::string counted(int64_t n, const char* one, const char* many);

constexpr bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace gradus
