#pragma once
// GPT-2's byte alphabet: a printable code point for each byte, so that any token can be written in JSON.
//
// The bytes 33..126, 161..172 and 174..255 map to themselves (as Latin-1 code points); the other 68, in ascending
// order, map to U+0100, U+0101, ... So the space is U+0120 and the newline U+010A. Source: GPT-2's encoder.py,
// bytes_to_unicode.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gradus {

char32_t byte_to_code_point(uint8_t byte);
std::optional<uint8_t> code_point_to_byte(char32_t code);

std::string bytes_to_alphabet(std::string_view bytes);
// Empty if `text` is not UTF-8 or has a code point outside the alphabet.
std::optional<std::string> alphabet_to_bytes(std::string_view text);

}  // namespace gradus
