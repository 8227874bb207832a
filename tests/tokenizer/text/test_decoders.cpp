// Decoders.
#include <map>

#include "tests/tokenizer/text/cases.h"
#include "tokenizer/decode/decoder.h"

using namespace gradus;
using namespace gradus::testing;

TEST_CASE("every decoder gives the reference's text for random lists of tokens") {
    const parts::ReplaceDecoder mark{literal("\u2581"), " "};
    const std::map<std::string, std::vector<parts::Decoder>> cases = {
        {"byte level", {parts::ByteLevelDecoder{}}},
        {"metaspace", {parts::MetaspaceDecoder{}}},
        {"metaspace never", {parts::MetaspaceDecoder{.prepend_scheme = parts::PrependScheme::never}}},
        {"word piece", {parts::WordPieceDecoder{}}},
        {"word piece without cleanup", {parts::WordPieceDecoder{.cleanup = false}}},
        {"bpe", {parts::BpeDecoder{}}},
        {"ctc", {parts::CtcDecoder{}}},
        {"ctc without cleanup", {parts::CtcDecoder{.cleanup = false}}},
        {"byte fallback", {parts::ByteFallbackDecoder{}}},
        {"fuse", {parts::FuseDecoder{}}},
        {"replace", {mark, parts::ReplaceDecoder{expression("[a-c]+"), "<>"}}},
        {"llama", {mark, parts::ByteFallbackDecoder{}, parts::FuseDecoder{}, parts::StripDecoder{" ", 1, 0}}},
        {"strip", {parts::StripDecoder{"a", 1, 0}}},
    };
    REQUIRE(text_golden()["decoders"].size() == cases.size());
    for (const auto& [name, steps] : cases) {
        INFO(name);
        const TextDecoder decoder(steps);
        require_case(text_golden()["decoders"][name], golden_token_lists(), decoder);
    }
}

TEST_CASE("tokens without a decoder are joined by spaces") { REQUIRE(TextDecoder()({"a", "b", ""}) == "a b "); }
