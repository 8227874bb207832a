#include <catch2/catch.hpp>

#include "data/charset.h"
#include "data/text.h"

using namespace gradus;

namespace {

std::string cleaned(std::string text) {
    clean_text(text);
    return text;
}

}  // namespace

TEST_CASE("valid UTF-8 is unchanged, and each maximal ill-formed part becomes one U+FFFD") {
    REQUIRE(repair_utf8("Zoë 東京 \U0001F600") == "Zoë 東京 \U0001F600");
    REQUIRE(repair_utf8("a\xFFz") == "a\uFFFDz");
    REQUIRE(repair_utf8("\xC0\xAF") == "\uFFFD\uFFFD");            // overlong: neither byte starts a character
    REQUIRE(repair_utf8("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");  // a surrogate
    REQUIRE(repair_utf8("\xF4\x91\x92\x93") == "\uFFFD\uFFFD\uFFFD\uFFFD");  // beyond U+10FFFF
    REQUIRE(repair_utf8("\xE6\x9D"
                        "a") ==
            "\uFFFD"
            "a");  // a truncated character is one part
    REQUIRE(repair_utf8("\xF0\x9F\x98") == "\uFFFD");
    // The example of the Unicode standard, table 3-11.
    REQUIRE(repair_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") == "\uFFFD\uFFFD\uFFFD\uFFFD\x41");
}

TEST_CASE("every byte sequence of length three is repaired to valid UTF-8") {
    for (int first = 0; first < 256; ++first)
        for (int second = 0; second < 256; second += 3)
            for (int third = 0; third < 256; third += 5) {
                const std::string repaired = repair_utf8(std::string{char(first), char(second), char(third)});
                if (!is_valid_utf8(repaired)) FAIL("bytes " << first << " " << second << " " << third);
            }
}

TEST_CASE("line ends become newlines and NULs are removed") {
    REQUIRE(cleaned("a\r\nb\rc\nd\r") == "a\nb\nc\nd\n");
    REQUIRE(cleaned(std::string("a\0b\r\0\nc", 7)) == "ab\n\nc");
    REQUIRE(cleaned("nothing to do\n") == "nothing to do\n");
}

TEST_CASE("texts that differ only in white space have the same words") {
    REQUIRE(with_single_spaces("  a\n\tb   c ") == "a b c");
    REQUIRE(with_single_spaces("a b c") == "a b c");
    REQUIRE(with_single_spaces(" \n ").empty());
}

TEST_CASE("a cut is moved back to a character boundary") {
    const std::string text = "aé東😀";  // 1 + 2 + 3 + 4 bytes
    const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (size_t at = 0; at < std::size(expected); ++at) REQUIRE(character_boundary(text, at) == expected[at]);
}

TEST_CASE("a byte order mark decides the encoding") {
    REQUIRE(to_utf8("\xEF\xBB\xBFZoë", Markup::none) == "Zoë");
    REQUIRE(to_utf8(std::string_view("\xFF\xFEZ\0o\0\xEB\0", 8), Markup::none) == "Zoë");
    REQUIRE(to_utf8(std::string_view("\xFE\xFF\0Z\0o\0\xEB", 8), Markup::none) == "Zoë");
}

TEST_CASE("one bad byte does not change the encoding of a UTF-8 page") {
    std::string page;
    for (int i = 0; i < 200; ++i) page += "Größenmaßstäbe prüfen. ";
    const std::string good = page;
    REQUIRE(to_utf8(page + "\xE9", Markup::html) == good + "\uFFFD");
}

TEST_CASE("a few single-byte letters in a long ASCII text are decoded as letters") {
    std::string text;
    for (int i = 0; i < 400; ++i) text += "a line of plain text, as there are many more; ";
    const std::string latin1 = text + "caf\xE9 d\xE9j\xE0 vu", utf8 = text + "café déjà vu";
    REQUIRE(to_utf8(latin1, Markup::none) == utf8);
    REQUIRE(to_utf8(utf8, Markup::none) == utf8);
}

TEST_CASE("a page that wrongly declares UTF-8 is decoded by its bytes") {
    std::string words;
    for (int i = 0; i < 20; ++i) words += "\xCF\xF0\xE8\xE2\xE5\xF2 \xEC\xE8\xF0, \xEA\xE0\xEA \xE4\xE5\xEB\xE0? ";
    const std::string text = to_utf8("<meta charset=utf-8><p>" + words, Markup::html);
    REQUIRE(text.find("Привет мир, как дела?") != std::string::npos);
    REQUIRE(text.find("\uFFFD") == std::string::npos);
}

TEST_CASE("a page is decoded in the charset of its meta element, with the labels of browsers") {
    REQUIRE(to_utf8("<meta charset=\"windows-1251\">\xCF\xF0\xE8\xE2\xE5\xF2", Markup::html).find("Привет") !=
            std::string::npos);
    // "iso-8859-1" means windows-1252, which has curly quotes where Latin-1 has control characters.
    REQUIRE(to_utf8("<meta charset=iso-8859-1>\x93hi\x94", Markup::html) == "<meta charset=iso-8859-1>“hi”");
    REQUIRE(to_utf8("<meta charset=shift_jis>\x93\x8C\x8B\x9E", Markup::html) == "<meta charset=shift_jis>東京");
}

TEST_CASE("the encoding of undeclared text is guessed, and the result is always valid UTF-8") {
    const std::string german =
        "Sch\xF6ne Gr\xFC\xDF"
        "e aus M\xFCnchen, \xFC"
        "ber die Br\xFC"
        "cke f\xE4hrt die Stra\xDF"
        "enbahn. ";
    std::string text;
    for (int i = 0; i < 20; ++i) text += german;
    REQUIRE(to_utf8(text, Markup::none).find("Schöne Grüße aus München") == 0);
    for (const char* label : {"no-such-charset", "utf-8", "utf-16", "x-user-defined"}) {
        const std::string page = std::string("<meta charset=") + label + "> \xFF\xFE\x80 caf\xE9";
        REQUIRE(is_valid_utf8(to_utf8(page, Markup::html)));
    }
}

TEST_CASE("after an invalid unit of UTF-16 or UTF-32 decoding continues at the right byte") {
    // A lone low surrogate between two words.
    REQUIRE(to_utf8(std::string_view("\xFF\xFE"
                                     "a\0\x00\xDC"
                                     "b\0"
                                     "c\0",
                                     10),
                    Markup::none) == "a\uFFFDbc");
    REQUIRE(to_utf8(std::string_view("\xFE\xFF"
                                     "\0a\xDC\x00"
                                     "\0b"
                                     "\0c",
                                     10),
                    Markup::none) == "a\uFFFDbc");
    REQUIRE(to_utf8(std::string_view("\0\0\xFE\xFF\0\0\0a\0\0\xDC\0\0\0\0b", 16), Markup::none) == "a\uFFFDb");
}

TEST_CASE("a last letter that the converter holds back is not lost") {
    // In windows-1255 a letter may be joined with the point after it, so the converter holds back the last one.
    REQUIRE(to_utf8("<meta charset=windows-1255>\xF9\xEC\xE5\xED", Markup::html) == "<meta charset=windows-1255>שלום");
}
