// UTF-8 and character classes.
#include "engine/base/fnv.h"
#include "tests/tokenizer/goldens.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/unicode.h"
#include "tokenizer/unicode_ranges.h"

using namespace gradus;

TEST_CASE("every code point has the class of the reference implementation") {
    uint64_t digest = fnv_start;
    for (char32_t code = 0; code < 0x110000; ++code) digest = fnv_step(digest, uint64_t(char_class(code)));
    REQUIRE(digest == all_classes_fnv1a);
    REQUIRE(char_class(0x110000) == CharClass::other);
}

TEST_CASE("every code point survives encoding and decoding, and surrogates do not decode") {
    for (char32_t code = 0; code < 0x110000; ++code) {
        std::string text;
        append_utf8(text, code);
        const Utf8Char back = decode_utf8(text.data(), text.data() + text.size());
        const bool surrogate = code >= 0xD800 && code < 0xE000;
        if (back.valid == surrogate) FAIL(code_point_name(code));
        if (!surrogate && (back.code != code || back.length != int(text.size()))) FAIL(code_point_name(code));
    }
}

TEST_CASE("malformed UTF-8 is one invalid byte at a time") {
    for (const std::string text :
         {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE2\x82", "\xC3", "\xF0\x9F\x98", "\xC3(", "\xE2(\xA1"}) {
        const Utf8Char first = decode_utf8(text.data(), text.data() + text.size());
        REQUIRE_FALSE(first.valid);
        REQUIRE(first.length == 1);
        REQUIRE(first.code == uint8_t(text[0]));
    }
}

TEST_CASE("the tail of an incomplete character is counted, an invalid one is not") {
    REQUIRE(incomplete_utf8_tail("") == 0);
    REQUIRE(incomplete_utf8_tail("a") == 0);
    REQUIRE(incomplete_utf8_tail("\u00e9") == 0);
    REQUIRE(incomplete_utf8_tail("a\xC3") == 1);
    REQUIRE(incomplete_utf8_tail("\xE2\x82") == 2);
    REQUIRE(incomplete_utf8_tail("\xF0\x9F\x98") == 3);
    REQUIRE(incomplete_utf8_tail("\xF0\x9F") == 2);
    REQUIRE(incomplete_utf8_tail("\x80\x80\x80") == 0);
    REQUIRE(incomplete_utf8_tail("\xED\xA0") == 0);
    REQUIRE(incomplete_utf8_tail("\xFF") == 0);
    REQUIRE(incomplete_utf8_tail("\U0001f600") == 0);
}

TEST_CASE("the byte alphabet maps each byte to one printable code point and back") {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) {
        all += char(byte);
        REQUIRE(code_point_to_byte(byte_to_code_point(uint8_t(byte))) == uint8_t(byte));
    }
    REQUIRE(alphabet_to_bytes(bytes_to_alphabet(all)) == all);
    REQUIRE(bytes_to_alphabet(" \n\x7F\u00e9") == "\u0120\u010a\u0121\u00c3\u00a9");
    REQUIRE_FALSE(alphabet_to_bytes(" ").has_value());
    REQUIRE_FALSE(alphabet_to_bytes("\u0144").has_value());
    REQUIRE_FALSE(alphabet_to_bytes("\xC4").has_value());
}
