// The scanners of pre-tokenizers: the patterns themselves, and that blocks of 64 bytes give the same pieces.
#include <catch2/catch.hpp>

#include <random>

#include "tokenizer/scan/scanners.h"

using namespace gradus;

namespace {

constexpr KnownPattern patterns[] = {KnownPattern::gpt2, KnownPattern::cl100k, KnownPattern::qwen2};

using Pieces = std::vector<std::string>;

Pieces one_by_one(KnownPattern pattern, const std::string& text) {
    Pieces pieces;
    const char* const end = text.data() + text.size();
    for (const char* at = text.data(); at < end;) {
        const char* const next = piece_end(pattern, at, end);
        pieces.emplace_back(at, next);
        at = next;
    }
    return pieces;
}

Pieces by_blocks(const Scanners& scanners, KnownPattern pattern, const std::string& text) {
    Pieces pieces;
    uint32_t ends[2 * least_room];
    const char* const end = text.data() + text.size();
    for (const char* at = text.data(); at < end;) {
        const ScannedPieces found = scanners.of[size_t(pattern)](at, end, ends, std::size(ends));
        REQUIRE(found.count > 0);
        uint32_t begin = 0;
        for (size_t i = 0; i < found.count; begin = ends[i++]) pieces.emplace_back(at + begin, at + ends[i]);
        REQUIRE(found.end == at + ends[found.count - 1]);
        at = found.end;
    }
    return pieces;
}

std::string joined(const Pieces& pieces) {
    std::string text;
    for (const std::string& piece : pieces) text += piece;
    return text;
}

}  // namespace

// Hugging Face tokenizers 0.23.3 splits them so: pre_tokenizers.Split(Regex(regex_of(pattern)), "isolated").
TEST_CASE("cl100k's pattern splits text as in Hugging Face's library") {
    const auto of = [](const std::string& text) { return one_by_one(KnownPattern::cl100k, text); };
    REQUIRE(of("It's 1234567 o'clock, I'LL go") ==
            Pieces{"It", "'s", " ", "123", "456", "7", " o", "'clock", ",", " I", "'LL", " go"});
    REQUIRE(of("(word) \"quoted\" --flag") == Pieces{"(word", ")", " \"", "quoted", "\"", " --", "flag"});
    REQUIRE(of("end.\r\n\r\n  next\t\tcell\n \n x") ==
            Pieces{"end", ".\r\n\r\n", " ", " next", "\t", "\tcell", "\n \n", " x"});
    REQUIRE(of("a   b   ") == Pieces{"a", "  ", " b", "   "});
    REQUIRE(of("\u3000日本、語 '\u017Fx") == Pieces{"\u3000日本", "、語", " '", "\u017Fx"});
    REQUIRE(of("'\u017Fx'tis") == Pieces{"'\u017F", "x", "'t", "is"});
    REQUIRE(of("e\u0301\u0301 a") == Pieces{"e", "\u0301\u0301", " a"});
}

TEST_CASE("Qwen2's pattern is cl100k's with single digits") {
    REQUIRE(one_by_one(KnownPattern::qwen2, "a 12\uFF14b") == Pieces{"a", " ", "1", "2", "\uFF14", "b"});
    REQUIRE(one_by_one(KnownPattern::cl100k, "a 12\uFF14\uFF15b") == Pieces{"a", " ", "12\uFF14", "\uFF15", "b"});
}

TEST_CASE("every scanner of blocks gives the pieces of the pattern read one by one") {
    const std::string units[] = {"a",
                                 "B",
                                 "word",
                                 "s",
                                 "re",
                                 "'",
                                 "'s",
                                 "'LL",
                                 " ",
                                 "  ",
                                 "\n",
                                 "\r",
                                 "\t",
                                 "1",
                                 "22",
                                 "\uFF14",
                                 "/",
                                 ".",
                                 "(",
                                 "\u00E9",
                                 "\u0416",
                                 "\u65E5",
                                 "\u30FB",
                                 "\u3001",
                                 "\u3000",
                                 "\u00A0",
                                 "\uC548",
                                 "\u0301",
                                 "\U0001F600",
                                 "\u017F",
                                 "\xFF",
                                 "\xE5\x80",
                                 "\xC3",
                                 std::string(40, ' '),
                                 std::string(70, 'x'),
                                 std::string(70, '\n')};
    std::mt19937 random(1);
    for (const Scanners& scanners : all_scanners())
        for (int round = 0; round < 600; ++round) {
            const size_t some = 2 + random() % (std::size(units) - 1), size = random() % 500;
            std::string text;
            while (text.size() < size) text += units[random() % some];
            for (const KnownPattern pattern : patterns) {
                const Pieces want = one_by_one(pattern, text);
                REQUIRE(joined(want) == text);
                REQUIRE(by_blocks(scanners, pattern, text) == want);
            }
        }
}

TEST_CASE("a pattern is known by its regular expression, and no other is") {
    for (const KnownPattern pattern : patterns) REQUIRE(known_pattern(regex_of(pattern)) == pattern);
    REQUIRE(!known_pattern("\\s+"));
}
