// The encodings of the web against the Encoding Standard's own tables (tools/generate/charset_goldens.py), and what
// pages declare.
#include <zlib.h>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "data/charset.h"
#include "data/decode.h"
#include "data/html_prescan.h"
#include "data/text.h"
#include "engine/base/file.h"

using namespace gradus;

namespace {

nlohmann::json golden(const std::string& name) {
    return nlohmann::json::parse(read_file(fs::path(GRADUS_ROOT) / "tests/goldens/charset" / name));
}

uint32_t checksum(const std::string& text) {
    return uint32_t(crc32(0, reinterpret_cast<const Bytef*>(text.data()), uInt(text.size())));
}

const Encoding& named(const std::string& label) {
    const Encoding* const encoding = encoding_of_label(label);
    REQUIRE(encoding);
    return *encoding;
}

std::string joined_pairs(const Encoding& encoding, const std::string& before, unsigned from, unsigned to) {
    std::string text;
    for (unsigned trail = from; trail < to; ++trail)
        text += (trail > from ? "\n" : "") + *decode(before + char(trail), encoding);
    return text;
}

std::string bytes_of_hex(const std::string& hex) {
    std::string bytes;
    for (size_t i = 0; i < hex.size(); i += 2) bytes += char(std::stoi(hex.substr(i, 2), nullptr, 16));
    return bytes;
}

// Characters up to U+00FF → bytes.
std::string bytes_of_latin1(const std::string& utf8) {
    std::string bytes;
    for (size_t i = 0; i < utf8.size(); ++i) {
        const bool two = uint8_t(utf8[i]) >= 0x80;
        bytes += two ? char(uint8_t(utf8[i]) << 6 | (uint8_t(utf8[i + 1]) & 0x3F)) : utf8[i];
        i += two;
    }
    return bytes;
}

// The encoding declared by a single-byte page, or windows-1252.
std::string_view declared_name(std::string_view page) {
    const Encoding* encoding = prescan_html(page);
    if (!encoding) encoding = late_meta(page);
    return encoding ? encoding->name : "windows-1252";
}

}  // namespace

TEST_CASE("every label of the Encoding Standard selects its encoding") {
    int labels = 0;
    for (const auto& row : golden("encodings.json"))
        for (const std::string label : row["labels"]) {
            INFO(label);
            REQUIRE(named(label).name == row["name"].get<std::string>());
            std::string loud = " \t\f" + label + "\r\n";
            for (char& c : loud) c = c >= 'a' && c <= 'z' ? char(c - 32) : c;
            REQUIRE(named(loud).name == row["name"].get<std::string>());
            ++labels;
        }
    REQUIRE(labels == 228);
    for (const char* unknown : {"", "utf-7", "utf-32", "cp437", "latin-1", "\vlatin1", "latin1 latin1", "latin1\xA0"})
        REQUIRE(encoding_of_label(unknown) == nullptr);
}

TEST_CASE("every byte of a single-byte encoding decodes to the standard's character, or to U+FFFD if it has none") {
    int encodings = 0;
    for (const auto& row : golden("encodings.json")) {
        if (!row.contains("single")) continue;
        std::string bytes;
        for (int i = 0; i < 128; ++i) bytes += char(0x80 + i);
        INFO(row["name"]);
        REQUIRE(*decode(bytes, named(row["labels"][0])) == row["single"].get<std::string>());
        REQUIRE(*decode(std::string("a\0~", 3), named(row["labels"][0])) == std::string("a\0~", 3));
        ++encodings;
    }
    REQUIRE(encodings == 28);
}

TEST_CASE("every pair of bytes of an Asian encoding decodes to the standard's character") {
    int encodings = 0;
    for (const auto& row : golden("encodings.json")) {
        if (!row.contains("pairs")) continue;
        const Encoding& encoding = named(row["labels"][0]);
        const bool escaped = encoding.decoder == Decoder::iso_2022_jp;
        const unsigned first = escaped ? 0x20 : 0x80;
        for (size_t i = 0; i < row["pairs"].size(); ++i) {
            INFO(row["name"] << ", first byte " << first + i);
            const std::string lead = (escaped ? "\x1B$B" : "") + std::string(1, char(first + i));
            const std::string text =
                escaped ? joined_pairs(encoding, lead, 0x20, 0x80) : joined_pairs(encoding, lead, 0, 256);
            REQUIRE(checksum(text) == row["pairs"][i].get<uint32_t>());
        }
        ++encodings;
    }
    REQUIRE(encodings == 7);
}

TEST_CASE("characters of three and four bytes decode to the standard's") {
    for (const auto& row : golden("encodings.json")) {
        const Encoding& encoding = named(row["labels"][0]);
        if (row.contains("triples"))
            for (size_t i = 0; i < 128; ++i) {
                const std::string lead = "\x8F" + std::string(1, char(0x80 + i));
                REQUIRE(checksum(joined_pairs(encoding, lead, 0, 256)) == row["triples"][i].get<uint32_t>());
            }
        if (!row.contains("four")) continue;
        size_t block = 0;
        for (unsigned at = 0; at < 39420; at += 1260, ++block) {
            std::string text;
            for (unsigned p = at; p < at + 1260; ++p)
                text += *decode(std::string{char(0x81 + p / 12600), char(0x30 + p / 1260 % 10),
                                            char(0x81 + p / 10 % 126), char(0x30 + p % 10)},
                                encoding);
            REQUIRE(checksum(text) == row["four"][block].get<uint32_t>());
        }
        REQUIRE(block == row["four"].size());
        REQUIRE(*decode("\x90\x30\x81\x30\xE3\x32\x9A\x35\xE3\x32\x9A\x36", encoding) == "\U00010000\U0010FFFF\uFFFD");
    }
}

TEST_CASE("ill-formed bytes give as many U+FFFD as the standard's decoders") {
    for (const auto& row : golden("encodings.json")) {
        if (!row.contains("strings")) continue;
        for (const auto& string : row["strings"]) {
            INFO(row["name"] << ": " << string[0]);
            REQUIRE(*decode(bytes_of_hex(string[0]), named(row["labels"][0])) == string[1].get<std::string>());
        }
    }
    auto utf16 = [](std::string_view bytes) { return *decode(bytes, named("utf-16be")); };
    REQUIRE(utf16(std::string_view("\0a\xD8\x3D\xDE\0\0b", 8)) == "a\U0001F600b");
    REQUIRE(utf16(std::string_view("\xD8\x3D\0a\xDE\0\0b\0", 9)) == "\uFFFDa\uFFFDb\uFFFD");
    REQUIRE(utf16("\xD8\x3D") == "\uFFFD");
    REQUIRE(utf16("\xD8\x3D\xDE") == "\uFFFD");
    REQUIRE(*decode("anything", named("hz-gb-2312")) == "\uFFFD");
    REQUIRE(decode("", named("iso-2022-kr"))->empty());
    REQUIRE(*decode("a\x80\xFF", named("x-user-defined")) == "a\uF780\uF7FF");
}

TEST_CASE("in ISO-2022-JP an escape right after an escape is an error, and one after text is not") {
    const Encoding& japanese = *encoding_of_label("iso-2022-jp");
    REQUIRE(decode("\x1b$B0!\x1b(Ba", japanese) == "亜a");
    REQUIRE(decode("\x1b$B\x1b(Ba", japanese) == "\uFFFDa");
    REQUIRE(decode("\x1b(Ja\x1b(Bb", japanese) == "ab");
    REQUIRE(decode("\x1b(J\x1b(J\x1b(Bb", japanese) == "\uFFFD\uFFFDb");
}

TEST_CASE("the prescan reads exactly 1024 bytes, and a declaration within 64 KiB is found as a late one") {
    const std::string meta = "<meta charset=koi8-r>";
    const auto page = [&](size_t end) { return std::string(end - meta.size(), ' ') + meta; };
    REQUIRE(prescan_html(page(1024)) == encoding_of_label("koi8-r"));
    REQUIRE(prescan_html(page(1025)) == nullptr);
    REQUIRE(late_meta(page(1025)) == encoding_of_label("koi8-r"));
    REQUIRE(late_meta(page(64 << 10)) == encoding_of_label("koi8-r"));
    REQUIRE(late_meta(page((64 << 10) + 1)) == nullptr);
}

TEST_CASE("the prescan finds the same declarations as other parsers") {
    int pages = 0;
    for (const auto& page : golden("prescan.json")) {
        INFO(page[0]);
        REQUIRE(declared_name(bytes_of_latin1(page[0])) == page[1].get<std::string>());
        ++pages;
    }
    REQUIRE(pages > 60);
}

TEST_CASE("a charset in a comment, a description or a sentence declares nothing") {
    const std::string utf8 = "<meta charset=utf-8>";
    REQUIRE(declared_name("<!-- <meta charset=koi8-r> -->" + utf8) == "UTF-8");
    REQUIRE(declared_name("<!--><meta charset=koi8-r>") == "KOI8-R");
    REQUIRE(declared_name("<meta name=description content='charset=koi8-r'>" + utf8) == "UTF-8");
    REQUIRE(declared_name("<p title='<meta charset=koi8-r>'>" + utf8) == "UTF-8");
    REQUIRE(declared_name("<meta content='x; charset = \"koi8-r\"' http-equiv=CONTENT-TYPE>") == "KOI8-R");
    REQUIRE(declared_name("<meta http-equiv=refresh content='text/html; charset=koi8-r'>") == "windows-1252");
    REQUIRE(declared_name("<meta charset=nonsense content='charset=koi8-r' http-equiv=content-type>") ==
            "windows-1252");
    REQUIRE(declared_name("<meta charset=koi8-r charset=utf-8>") == "KOI8-R");
    REQUIRE(declared_name("<p>charset=utf-8<meta charset") == "windows-1252");
    REQUIRE(declared_name("<meta charset=x-user-defined>") == "windows-1252");
    REQUIRE(declared_name("<?xml version='1.0' encoding=\"koi8-r\"?><p>") == "KOI8-R");
    REQUIRE(declared_name("<?xml version='1.0' encoding=\"koi8-r\"?><meta charset=utf-8>") == "UTF-8");
    REQUIRE(declared_name("<?xml encoding=\"utf-16\"?>") == "UTF-8");
    REQUIRE(declared_name(std::string_view("<\0?\0x\0m\0", 8)) == "UTF-16LE");
    REQUIRE(declared_name(std::string_view("\0<\0?\0x\0m", 8)) == "UTF-16BE");
}

TEST_CASE("a meta after the first 1024 bytes counts only if it is a tag") {
    const std::string far(2000, ' ');
    REQUIRE(prescan_html(far + "<meta charset=koi8-r>") == nullptr);
    REQUIRE(declared_name(far + "<meta charset=koi8-r>") == "KOI8-R");
    REQUIRE(declared_name(far + "<script>'<meta charset=koi8-r>'</script><meta charset=latin5>") == "windows-1254");
    REQUIRE(declared_name(far + "<title><meta charset=koi8-r>") == "windows-1252");
    REQUIRE(declared_name(std::string(100'000, ' ') + "<meta charset=koi8-r>") == "windows-1252");
}

TEST_CASE("a page is decoded in the encoding that it declares, even if its bytes are all ASCII") {
    REQUIRE(to_utf8("<meta charset=latin5>\xFE", Markup::html) == "<meta charset=latin5>ş");
    REQUIRE(to_utf8("<meta charset=l9>\xA4", Markup::html) == "<meta charset=l9>€");
    REQUIRE(to_utf8("<meta charset=koi8>\xD2\xD5", Markup::html) == "<meta charset=koi8>ру");
    REQUIRE(to_utf8("<meta charset=iso-2022-jp>\x1B$B%F%9\x1B(B", Markup::html) == "<meta charset=iso-2022-jp>テス");
    REQUIRE(to_utf8("<meta charset=iso-2022-kr>\x1B$)C\x0E"
                    "abc",
                    Markup::html) == "\uFFFD");
    REQUIRE(to_utf8("<meta charset=iso-2022-jp>Zoë", Markup::html) == "<meta charset=iso-2022-jp>Zoë");
    REQUIRE(to_utf8(std::string_view("<\0?\0x\0m\0l\0?\0>\0\xEB\0", 16), Markup::xml) == "<?xml?>ë");
    // In XML the XML declaration takes precedence over a meta, in HTML it is the other way round.
    const std::string both = "<?xml version='1.0' encoding='iso-8859-2'?><meta charset=koi8-r/>\xB1";
    REQUIRE(to_utf8(both, Markup::xml).find("ą") != std::string::npos);
    REQUIRE(to_utf8(both, Markup::html).find("╠") == std::string::npos);  // koi8-r/ is not a label
    REQUIRE(to_utf8("<meta charset=koi8-r>\xB1", Markup::xml).find("╠") != std::string::npos);
}
