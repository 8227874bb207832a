// GPT-2's byte alphabet, built from its rule.
#include "tokenizer/byte_alphabet.h"

#include <array>

#include "tokenizer/unicode.h"

namespace gradus {

namespace {

constexpr int shifted_bytes = 68;

struct Alphabet {
    std::array<char32_t, 256> code_of_byte{};
    std::array<int16_t, 256 + shifted_bytes> byte_of_code{};
};

constexpr Alphabet make_alphabet() {
    Alphabet alphabet;
    alphabet.byte_of_code.fill(-1);
    char32_t shifted = 256;
    for (int byte = 0; byte < 256; ++byte) {
        const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
        const char32_t code = printable ? char32_t(byte) : shifted++;
        alphabet.code_of_byte[byte] = code;
        alphabet.byte_of_code[code] = int16_t(byte);
    }
    return alphabet;
}

constexpr Alphabet alphabet = make_alphabet();

}  // namespace

char32_t byte_to_code_point(uint8_t byte) { return alphabet.code_of_byte[byte]; }

std::optional<uint8_t> code_point_to_byte(char32_t code) {
    if (code >= alphabet.byte_of_code.size() || alphabet.byte_of_code[code] < 0) return std::nullopt;
    return uint8_t(alphabet.byte_of_code[code]);
}

std::string bytes_to_alphabet(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) append_utf8(text, byte_to_code_point(uint8_t(byte)));
    return text;
}

std::optional<std::string> alphabet_to_bytes(std::string_view text) {
    std::string bytes;
    const char* const end = text.data() + text.size();
    for (const char* at = text.data(); at < end;) {
        const Utf8Char next = decode_utf8(at, end);
        const std::optional<uint8_t> byte = next.valid ? code_point_to_byte(next.code) : std::nullopt;
        if (!byte) return std::nullopt;
        bytes += char(*byte);
        at += next.length;
    }
    return bytes;
}

}  // namespace gradus
