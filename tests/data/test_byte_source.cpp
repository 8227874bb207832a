#include <catch2/catch.hpp>

#include "data/byte_source.h"
#include "data/readers.h"
#include "data/text_content.h"
#include "tests/data/compress.h"
#include "tests/data/temporary_folder.h"

using namespace gradus;

namespace {

std::string read_whole(const fs::path& path) {
    bool whole = false;
    const std::string bytes = read_bytes(path, 100 << 20, whole);
    REQUIRE(whole);
    return bytes;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string varied_text(int lines) {
    std::string text;
    for (int i = 0; i < lines; ++i) text += "line " + std::to_string(i * 7919 % 100'003) + "\n";
    return text;
}

}  // namespace

TEST_CASE("a .zst that begins with a skippable frame, as pzstd writes it, is decompressed") {
    const TemporaryFolder folder;
    const std::string text = varied_text(50'000), half = text.substr(0, text.size() / 2);
    for (int which = 0; which < 16; ++which)
        REQUIRE(read_whole(folder.write("a.txt.zst", skippable_frame(which, "1234") + zstandard(text))) == text);
    // pzstd: a skippable frame with the compressed size before every frame.
    const std::string parts = skippable_frame(0, "1234") + zstandard(half) + skippable_frame(0, "5678") +
                              zstandard(text.substr(half.size())) + skippable_frame(15, std::string(300'000, '\xFF'));
    REQUIRE(read_whole(folder.write("b.txt.zst", parts)) == text);
    REQUIRE(read_whole(folder.write("c.txt", parts)) == text);
    REQUIRE(read_whole(folder.write("d.txt.zst", skippable_frame(3, "x"))).empty());
    REQUIRE_THROWS_AS(read_whole(folder.write("e.txt.zst", parts.substr(0, parts.size() - 1))), Error);
}

TEST_CASE("data that is compressed several times is decompressed completely") {
    const TemporaryFolder folder;
    const std::string text = varied_text(100'000);
    REQUIRE(read_whole(folder.write("a.txt.gz.gz", gzip(gzip(text)))) == text);
    REQUIRE(read_whole(folder.write("b.txt.gz", gzip(zstandard(text)))) == text);
    REQUIRE(read_whole(folder.write("c.txt.zst", zstandard(skippable_frame(0, "") + zstandard(gzip(text))))) == text);
    REQUIRE(read_whole(folder.write("d.txt", gzip(gzip(text)))) == text);
    std::string deep = text;
    for (int i = 0; i < 9; ++i) deep = gzip(deep);
    REQUIRE(contains(error_of([&] { read_whole(folder.write("e.txt.gz", deep)); }).cause, "more than 8 times"));
}

TEST_CASE("a file with a compressed name is never read as plain bytes") {
    const TemporaryFolder folder;
    for (const char* name : {"a.txt.gz", "a.jsonl.zst", "a.html.GZ", "a.txt.Zst"})
        for (const std::string& junk :
             {std::string("plain text\n"), std::string("\x1F"), std::string(), std::string("\x1F\x8C\x08"),
              std::string(5000, '\0'), std::string("\xFD\x37zXZ\0\0\4", 8)}) {
            const fs::path path = folder.write(name, junk);
            const Error error = error_of([&] { read_whole(path); });
            REQUIRE(contains(error.what(), path.string()));
            REQUIRE_FALSE(error.fix.empty());
            REQUIRE_THROWS_AS(DocumentReader({path}).next(*std::make_unique<Document>()), Error);
        }
    REQUIRE_THROWS_AS(read_whole(folder.write("b.txt.gz.gz", gzip("once"))), Error);
    REQUIRE_THROWS_AS(read_whole(folder.write("b.txt.gz.zst", zstandard("once"))), Error);
    REQUIRE(read_whole(folder.write("c.txt.gz", zstandard("the other one"))) == "the other one");
}

TEST_CASE("after the last member of a .gz only zero bytes are accepted") {
    const TemporaryFolder folder;
    REQUIRE(read_whole(folder.write("a.gz", gzip("one") + gzip("") + gzip("two") + std::string(600'000, '\0'))) ==
            "onetwo");
    REQUIRE_THROWS_AS(read_whole(folder.write("b.gz", gzip("one") + "rest")), Error);
    REQUIRE_THROWS_AS(read_whole(folder.write("c.gz", gzip("one") + std::string(600'000, '\0') + "rest")), Error);
    std::string broken = gzip("two");
    broken[0] = '\x1E';
    REQUIRE_THROWS_AS(read_whole(folder.write("d.gz", gzip("one") + broken)), Error);
}

TEST_CASE("white space, escapes and UTF-16 are text, and other control characters are not") {
    for (int c = 0; c < 0x80; ++c) {
        const bool is_text = c >= 0x20 || c == 0 || (c >= 8 && c <= 15) || c == 0x1B;
        INFO(c);
        REQUIRE(why_binary(std::string(100, char(c))).empty() == is_text);
        REQUIRE(why_not_text(std::string(100, char(c))).empty() == (is_text && c != 0));
    }
    // One in fifty.
    REQUIRE(why_binary(std::string(98, 'x') + "\x01\x02").empty());
    REQUIRE_FALSE(why_binary(std::string(98, 'x') + "\x01\x02\x03").empty());
    // Cyrillic: every second byte is 4.
    std::string little = "\xFF\xFE", big = "\xFE\xFF";
    for (const char c : std::string("\x1F\x40\x38\x32\x35\x42")) little += {c, '\4'}, big += {'\4', c};
    for (const std::string& bytes : {little, big}) {
        REQUIRE(why_not_text(bytes).empty());
        REQUIRE(finish({FileKind::text, bytes, "a.txt"}, {}).document.value().text == "Привет");
    }
}

TEST_CASE("a binary file with the name of a text file is dropped and counted, not read as text") {
    const TemporaryFolder folder;
    std::string junk;
    for (uint32_t i = 0, x = 1; i < 5000; ++i) junk += char((x = x * 1664525 + 1013904223) >> 24);
    for (const std::string& bytes : {junk, std::string("%PDF-1.7\nstream"), std::string("PK\3\4 and so on"),
                                     std::string("\xFD\x37zXZ\0 text", 12), std::string("BZh91AY&SY text")}) {
        for (const char* name : {"a.txt", "a.html", "a.md"}) {
            const RawDocument raw{kind_of(name).value(), bytes, name};
            REQUIRE(finish(RawDocument(raw), {}).dropped == "not_text");
        }
        REQUIRE_THROWS_AS(list_files({folder.write("a.unknown", bytes)}), Error);
    }
}
