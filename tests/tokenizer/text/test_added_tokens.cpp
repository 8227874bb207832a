// Added tokens in texts.
#include "tests/tokenizer/text/cases.h"
#include "tokenizer/added_tokens.h"

using namespace gradus;
using namespace gradus::testing;

namespace {

std::vector<parts::AddedToken> tokens_of(const nlohmann::json& list) {
    std::vector<parts::AddedToken> tokens;
    for (const nlohmann::json& token : list)
        tokens.push_back({token["id"], token["content"], token["special"], token["single_word"], token["lstrip"],
                          token["rstrip"], token["normalized"]});
    return tokens;
}

std::string written_segments(const std::vector<TextSegment>& segments) {
    std::string out;
    for (const TextSegment& segment : segments) {
        if (!out.empty()) out += ' ';
        out += std::to_string(segment.id == TextSegment::no_token ? 0 : segment.id) +
               written(segment.original.begin, segment.original.end);
    }
    return out;
}

}  // namespace

TEST_CASE("added tokens are found where the reference finds them") {
    for (const auto& [name, expected] : text_golden()["added tokens"].items()) {
        INFO(name);
        std::vector<parts::Normalizer> steps;
        if (name.starts_with("normalized")) steps = {parts::Normalize{parts::NormalForm::nfd}, parts::Lowercase{}};
        if (name.starts_with("both")) steps = {parts::Strip{}, parts::Lowercase{}};
        const AddedTokens tokens(tokens_of(expected["tokens"]), TextNormalizer(steps));
        const bool specials = !name.ends_with("without specials");
        require_case(expected, golden_texts(),
                     [&](const std::string& text) { return written_segments(tokens.split(text, specials, true)); });
    }
}

TEST_CASE("the segments between tokens have normalized texts") {
    const AddedTokens tokens({{7, "<s>"}, {8, "Day", false, true, false, false, true}},
                             TextNormalizer({parts::Lowercase{}}));
    const std::vector<TextSegment> segments = tokens.split("A<s>B DAY", true, true);
    REQUIRE(written_segments(segments) == "0@0-1 7@1-4 0@4-6 8@6-9");
    REQUIRE(segments[0].text.text == "a");
    REQUIRE(segments[2].text.text == "b ");
    REQUIRE(segments[2].text.range_of(0) == ByteRange{4, 5});
}
