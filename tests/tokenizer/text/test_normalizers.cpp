// Normalizers, with and without offsets.
#include <map>

#include "tests/tokenizer/text/cases.h"
#include "tokenizer/normalize/normalizer.h"
#include "tokenizer/unicode/text_units.h"

using namespace gradus;
using namespace gradus::testing;

namespace {

const std::map<std::string, std::vector<parts::Normalizer>>& cases() {
    static const std::map<std::string, std::vector<parts::Normalizer>> all = {
        {"nfc", {parts::Normalize{parts::NormalForm::nfc}}},
        {"nfd", {parts::Normalize{parts::NormalForm::nfd}}},
        {"nfkc", {parts::Normalize{parts::NormalForm::nfkc}}},
        {"nfkd", {parts::Normalize{parts::NormalForm::nfkd}}},
        {"lowercase", {parts::Lowercase{}}},
        {"strip", {parts::Strip{}}},
        {"strip left", {parts::Strip{true, false}}},
        {"strip right", {parts::Strip{false, true}}},
        {"strip accents", {parts::StripAccents{}}},
        {"bert", {parts::BertNormalizer{}}},
        {"bert cased", {parts::BertNormalizer{.strip_accents = {}, .lowercase = false}}},
        {"bert accents", {parts::BertNormalizer{false, false, true, false}}},
        {"nmt", {parts::Nmt{}}},
        {"prepend", {parts::Prepend{"\u2581x"}}},
        {"replace text", {parts::Replace{literal("a"), "\u00e9\u00e9"}}},
        {"replace spaces", {parts::Replace{literal(" "), ""}}},
        {"replace expression", {parts::Replace{expression(R"(\s+|\p{Lu})"), "_"}}},
        {"replace empty", {parts::Replace{expression("b*"), "-"}}},
        {"byte letters", {parts::ByteLevelLetters{}}},
        {"precompiled", {parts::Precompiled{read_file(golden_path("text.charsmap"))}}},
        {"sequence",
         {parts::Normalize{parts::NormalForm::nfkd}, parts::StripAccents{}, parts::Lowercase{},
          parts::Replace{expression(R"(\s+)"), " "}, parts::Strip{}, parts::Prepend{"\u2581"},
          parts::Normalize{parts::NormalForm::nfc}}},
    };
    return all;
}

std::string written_units(const AlignedText& text) {
    std::string out;
    for (size_t at = 0; at < text.text.size();) {
        const size_t end = at + unit_at(text.text, at).length;
        const ByteRange range = text.range_of(at, end);
        if (at > 0) out += '\x1f';
        out += text.text.substr(at, end - at) + written(range.begin, range.end);
        at = end;
    }
    return out;
}

}  // namespace

TEST_CASE("every normalizer gives the reference's text and offsets for random texts") {
    REQUIRE(text_golden()["normalizers"].size() == cases().size());
    for (const auto& [name, steps] : cases()) {
        INFO(name);
        const TextNormalizer normalizer(steps);
        require_case(text_golden()["normalizers"][name], golden_texts(), [&](const std::string& text) {
            AlignedText aligned(text);
            normalizer(aligned);
            if (normalizer(text) != aligned.text) FAIL("another text without offsets");
            return written_units(aligned);
        });
    }
}

TEST_CASE("every code point by itself is normalized as the reference does") {
    for (const auto& [name, expected] : text_golden()["every code point"].items()) {
        INFO(name);
        const TextNormalizer normalizer(cases().at(name));
        uint64_t digest = fnv_start;
        for (char32_t code = 0; code < 0x110000; ++code) {
            if (code >= 0xD800 && code < 0xE000) continue;
            std::string text;
            append_utf8(text, code);
            for (const char byte : normalizer(std::move(text)) + "\n") digest = fnv_step(digest, uint8_t(byte));
        }
        REQUIRE(written_digest(digest) == expected.get<std::string>());
    }
}

TEST_CASE("a text that no normalizer changes has no table of offsets") {
    const TextNormalizer normalizer({parts::Normalize{parts::NormalForm::nfkc}, parts::Lowercase{}, parts::Strip{},
                                     parts::Replace{literal("z"), "y"}, parts::BertNormalizer{}});
    AlignedText text("plain text");
    normalizer(text);
    REQUIRE_FALSE(text.changed);
    REQUIRE(text.ranges.empty());
}

TEST_CASE("bytes that are not UTF-8 come through every normalizer") {
    const std::string bytes = "\xFF\xC3\xED\xA0\x80\x80";
    for (const auto& [name, steps] : cases()) {
        if (name == "byte letters") continue;
        INFO(name);
        REQUIRE(contains(TextNormalizer(steps)("x" + bytes + "x"), name == "replace empty" ? "-\xFF-" : bytes));
    }
    REQUIRE(TextNormalizer({parts::ByteLevelLetters{}})("\xFF") == "\u00ff");
}
