// Texts and lists made to take long. Each is a megabyte, and work that grew with its square would not end.
#include <ctime>

#include "tests/tokenizer/text/cases.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/split/pre_tokenizer.h"
#include "tokenizer/unicode/normal_forms.h"

using namespace gradus;
using namespace gradus::testing;

namespace {

constexpr size_t megabyte = 1 << 20;

std::string repeated(const std::string& text, size_t bytes = megabyte) {
    std::string all;
    while (all.size() < bytes) all += text;
    return all;
}

}  // namespace

TEST_CASE("a megabyte of one character is normalized and split") {
    const TextNormalizer normalizer({parts::Normalize{parts::NormalForm::nfkc}, parts::StripAccents{},
                                     parts::Lowercase{}, parts::Strip{}, parts::BertNormalizer{},
                                     parts::Replace{expression(" +"), " "}});
    for (const char* unit :
         {"a", " ", "\u0301", "\u0345\u0301", "\uac00\u11a8", "\U0001f1e6", "\u200d", "\r\n", "\xFF", "\xF0\x9F"}) {
        const std::string text = repeated(unit);
        AlignedText aligned(text);
        normalizer(aligned);
        for (const parts::PreTokenizer& step :
             {parts::PreTokenizer(parts::ByteLevel{}), parts::PreTokenizer(parts::BertPreTokenizer{}),
              parts::PreTokenizer(parts::Metaspace{}), parts::PreTokenizer(parts::UnicodeScripts{}),
              parts::PreTokenizer(parts::Whitespace{}),
              parts::PreTokenizer(parts::Split{literal("aa"), parts::SplitBehavior::merged_with_next})}) {
            SplitText pieces{AlignedText(text)};
            split(step, pieces);
            REQUIRE(pieces.aligned.text.size() >= pieces.pieces.size());
        }
    }
}

TEST_CASE("a megabyte of combining marks is put in order") {
    std::string text = "a";
    Numbers numbers(3);
    while (text.size() < megabyte) append_utf8(text, U"\u0301\u0323\u0327\u0345\u05b0\u0334"[numbers.below(6)]);
    const std::string ordered = normal_form(text, parts::NormalForm::nfd);
    REQUIRE(ordered.size() == text.size());
    REQUIRE(normal_form(ordered, parts::NormalForm::nfd) == ordered);
}

TEST_CASE("a search takes one step for each byte, however the tokens overlap") {
    std::vector<parts::AddedToken> tokens;
    for (int32_t i = 0; i < 1000; ++i) tokens.push_back({i, std::string(size_t(i) + 1, 'a') + (i % 2 ? "b" : "")});
    tokens.push_back({1000, " ", false, false, true, true});
    const AddedTokens added(tokens, {});
    REQUIRE(added.split(repeated("a"), true, false).size() > 1000);
    REQUIRE(added.split(repeated(" "), true, false).size() == megabyte);
    REQUIRE(added.split(repeated("a", 998) + "c" + repeated("a"), true, false).size() > 1000);
}

TEST_CASE("four hundred thousand added tokens are found in one pass") {
    std::vector<parts::AddedToken> tokens;
    for (int32_t i = 0; i < 400'000; ++i) tokens.push_back({i, "<token_" + std::to_string(i) + ">"});
    const AddedTokens added(tokens, {});
    const std::vector<TextSegment> segments = added.split(repeated("<token_<token_399999>_<token_12"), true, false);
    REQUIRE(segments.size() == 2 * ((megabyte + 30) / 31) + 1);
    REQUIRE(segments[1].id == 399'999);
}

TEST_CASE("a pattern that takes too many steps is an error that names it") {
    const TextPreTokenizer pre_tokenizer({parts::Split{expression("(a|aa)+$"), parts::SplitBehavior::isolated}});
    SplitText text{AlignedText(repeated("a", 5000) + "c")};
    const Error error = error_of([&] { pre_tokenizer(text); });
    REQUIRE(contains(error.what(), "(a|aa)+$"));
}

TEST_CASE("a pattern that does not compile is an error that names it") {
    for (const char* pattern :
         {"(a", "a)", "[a", "\\p{Nothing}", "a\\", "*", "(?~a)", "\\y", "[b-a]", "(?<n>a", "\\x{110000}", "a{2,1}"}) {
        INFO(pattern);
        const Error error = error_of([&] {
            TextPreTokenizer({parts::Split{expression(pattern), parts::SplitBehavior::isolated}});
        });
        REQUIRE(contains(error.text(), "regular expression"));
    }
}

TEST_CASE("random bytes are normalized and split alike with and without offsets, which stay in the text") {
    const TextNormalizer normalizer({parts::Normalize{parts::NormalForm::nfkd}, parts::Lowercase{},
                                     parts::BertNormalizer{}, parts::Nmt{}, parts::Strip{}, parts::Prepend{"x"},
                                     parts::Replace{expression("[^a-z]"), "\u00e9"},
                                     parts::Precompiled{read_file(golden_path("text.charsmap"))}});
    const TextPreTokenizer pre_tokenizer(
        {parts::UnicodeScripts{}, parts::Split{expression(R"(\s?\S)"), parts::SplitBehavior::merged_with_previous},
         parts::FixedLength{2}, parts::Punctuation{}, parts::ByteLevel{}});
    Numbers numbers(5);
    for (int i = 0; i < 2000; ++i) {
        std::string bytes = numbers.bytes(numbers.below(40));
        for (char& byte : bytes)
            if (numbers.below(3) == 0) byte = char(byte & 0x7F);
        AlignedText aligned(bytes);
        normalizer(aligned);
        REQUIRE(normalizer(bytes) == aligned.text);
        for (const AlignedText& text : {aligned, AlignedText(bytes)}) {
            AlignedText untracked(text.text, false);
            SplitText with(text, {0, uint32_t(bytes.size())}), without(untracked);
            pre_tokenizer(with);
            pre_tokenizer(without);
            REQUIRE(with.aligned.text == without.aligned.text);
            REQUIRE(with.pieces.size() == without.pieces.size());
            for (const Piece& piece : with.pieces) {
                if (piece.original.begin > piece.original.end || piece.original.end > bytes.size())
                    FAIL("an offset outside");
                if (piece.end > with.aligned.text.size()) FAIL("a piece outside");
            }
        }
    }
}
