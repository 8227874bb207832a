// Pre-tokenizers and their offsets.
#include <map>

#include "tests/tokenizer/text/cases.h"
#include "tokenizer/split/pre_tokenizer.h"
#include "tokenizer/split/text_splitter.h"

using namespace gradus;
using namespace gradus::testing;

namespace {

std::map<std::string, std::vector<parts::PreTokenizer>> cases() {
    std::map<std::string, std::vector<parts::PreTokenizer>> all = {
        {"byte level", {parts::ByteLevel{}}},
        {"byte level without space", {parts::ByteLevel{.add_prefix_space = false}}},
        {"byte level without pattern", {parts::ByteLevel{.use_regex = false}}},
        {"bert", {parts::BertPreTokenizer{}}},
        {"delimiter", {parts::CharDelimiterSplit{"\u00e9"}}},
        {"digits", {parts::Digits{}}},
        {"individual digits", {parts::Digits{true}}},
        {"fixed length", {parts::FixedLength{3}}},
        {"metaspace", {parts::Metaspace{}}},
        {"metaspace first", {parts::Metaspace{.prepend_scheme = parts::PrependScheme::first}}},
        {"metaspace never", {parts::Metaspace{"_", parts::PrependScheme::never}}},
        {"metaspace whole", {parts::Metaspace{.split = false}}},
        {"punctuation", {parts::Punctuation{}}},
        {"scripts", {parts::UnicodeScripts{}}},
        {"whitespace", {parts::Whitespace{}}},
        {"whitespace split", {parts::WhitespaceSplit{}}},
        {"sequence",
         {parts::WhitespaceSplit{}, parts::Punctuation{parts::SplitBehavior::removed},
          parts::Metaspace{.prepend_scheme = parts::PrependScheme::first}, parts::Digits{true}, parts::ByteLevel{}}},
        {"letters split",
         {parts::ByteLevel{}, parts::Split{literal("\u0120"), parts::SplitBehavior::merged_with_next}}},
    };
    const std::pair<const char*, parts::SplitBehavior> behaviors[] = {
        {"removed", parts::SplitBehavior::removed},
        {"isolated", parts::SplitBehavior::isolated},
        {"merged_with_previous", parts::SplitBehavior::merged_with_previous},
        {"merged_with_next", parts::SplitBehavior::merged_with_next},
        {"contiguous", parts::SplitBehavior::contiguous},
    };
    for (const auto& [name, behavior] : behaviors) {
        for (const bool invert : {false, true}) {
            const std::string full = name + std::string(invert ? " inverted" : "");
            all["text " + full] = {parts::Split{literal(" "), behavior, invert}};
            all["expression " + full] = {parts::Split{expression(R"(\s|\p{P}+)"), behavior, invert}};
        }
    }
    for (const auto& [name, pattern] : text_golden()["expressions"].items())
        all["pattern " + name] = {parts::Split{expression(pattern), parts::SplitBehavior::isolated}};
    return all;
}

std::string written_pieces(const SplitText& text) {
    std::string out;
    for (const Piece& piece : text.pieces) {
        if (&piece != &text.pieces[0]) out += '\x1f';
        out += std::string(text.text_of(piece)) + written(piece.original.begin, piece.original.end);
    }
    return out;
}

}  // namespace

TEST_CASE("every pre-tokenizer gives the reference's pieces and offsets for random texts") {
    const auto all = cases();
    REQUIRE(text_golden()["pre-tokenizers"].size() == all.size());
    for (const auto& [name, steps] : all) {
        INFO(name);
        const TextPreTokenizer pre_tokenizer(steps);
        require_case(text_golden()["pre-tokenizers"][name], golden_texts(), [&](const std::string& text) {
            SplitText split{AlignedText(text)};
            pre_tokenizer(split);
            if (!pre_tokenizer.needs_offsets()) {
                SplitText untracked{AlignedText(text, false)};
                pre_tokenizer(untracked);
                if (untracked.aligned.text != split.aligned.text || untracked.pieces.size() != split.pieces.size())
                    FAIL("other pieces without offsets");
            }
            return written_pieces(split);
        });
    }
}

TEST_CASE("every code point between two letters is split as the reference does") {
    const auto all = cases();
    for (const auto& [name, expected] : text_golden()["code points between letters"].items()) {
        INFO(name);
        const TextPreTokenizer pre_tokenizer(all.at(name));
        uint64_t digest = fnv_start;
        for (char32_t code = 0; code < 0x110000; ++code) {
            if (code >= 0xD800 && code < 0xE000) continue;
            std::string text = "a";
            append_utf8(text, code);
            SplitText split{AlignedText(text + "b", false)};
            pre_tokenizer(split);
            std::string joined;
            for (const Piece& piece : split.pieces)
                joined.append(joined.empty() ? "" : "|").append(split.text_of(piece));
            for (const char byte : joined + "\n") digest = fnv_step(digest, uint8_t(byte));
        }
        REQUIRE(written_digest(digest) == expected.get<std::string>());
    }
}

TEST_CASE("classes of regular expressions have the reference's code points") {
    std::string everything;
    for (char32_t code = 0; code < 0x110000; ++code)
        if (code < 0xD800 || code >= 0xE000) append_utf8(everything, code);
    for (const auto& [name, expected] : text_golden()["classes"].items()) {
        INFO(name);
        std::vector<TextPart> parts;
        TextSplitter(expression("(?:" + name + ")+")).find(everything, parts);
        uint64_t count = 0, sum = 0;
        for (const TextPart& part : parts) {
            if (!part.is_match) continue;
            for (size_t at = part.begin; at < part.end; ++count) {
                const Utf8Char next = decode_utf8(everything.data() + at, everything.data() + part.end);
                sum += next.code;
                at += size_t(next.length);
            }
        }
        REQUIRE(count == expected[0].get<uint64_t>());
        REQUIRE(sum == expected[1].get<uint64_t>());
    }
}
