// Streaming decoder.
#include "tests/tokenizer/goldens.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/unicode.h"

using namespace gradus;

namespace {

bool is_utf8(const std::string& text) {
    for (size_t at = 0; at < text.size();) {
        const Utf8Char next = decode_utf8(text.data() + at, text.data() + text.size());
        if (!next.valid) return false;
        at += size_t(next.length);
    }
    return true;
}

}  // namespace

TEST_CASE("a character split over tokens is returned when it is complete") {
    const Tokenizer tokenizer = Tokenizer::load(golden_path("prose_lines.json"));
    StreamDecoder decoder(tokenizer);
    const std::vector<int32_t> ids = tokenizer.encode("\U0001f680");
    REQUIRE(ids.size() == 3);
    REQUIRE(decoder.push(ids[0]).empty());
    REQUIRE(decoder.push(ids[1]).empty());
    REQUIRE(decoder.push(ids[2]) == "\U0001f680");
    REQUIRE(decoder.flush().empty());
}

TEST_CASE("the streamed text equals the decoded text, and is valid UTF-8 at every step") {
    const Tokenizer tokenizer = Tokenizer::load(golden_path("prose.json"));
    const std::string prose = read_file(golden_path("prose.txt"));
    StreamDecoder decoder(tokenizer);
    std::string shown;
    for (const int32_t id : tokenizer.encode(prose)) {
        const std::string text = decoder.push(id);
        REQUIRE(is_utf8(text));
        shown += text;
    }
    REQUIRE(shown + decoder.flush() == prose);
}

TEST_CASE("random ids stream as valid UTF-8, equal to replacing invalid parts at the end") {
    const Tokenizer tokenizer = Tokenizer::load(golden_path("prose.json"));
    Numbers numbers(17);
    for (int round = 0; round < 300; ++round) {
        StreamDecoder decoder(tokenizer);
        std::vector<int32_t> ids;
        std::string shown;
        for (int i = 0; i < 30; ++i) {
            ids.push_back(int32_t(numbers.below(uint64_t(tokenizer.vocab_size()))));
            shown += decoder.push(ids.back());
            REQUIRE(is_utf8(shown));
        }
        shown += decoder.flush();
        REQUIRE(shown == replace_invalid_utf8(tokenizer.decode(ids)));
    }
}

TEST_CASE("each maximal subpart that is not UTF-8 becomes one replacement character") {
    REQUIRE(replace_invalid_utf8("a\xFFz") == "a\uFFFDz");
    REQUIRE(replace_invalid_utf8("\xE2\x82z") == "\uFFFDz");
    REQUIRE(replace_invalid_utf8("\xF0\x9F\x98") == "\uFFFD");
    REQUIRE(replace_invalid_utf8("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");
    REQUIRE(replace_invalid_utf8("\xC0\xAF") == "\uFFFD\uFFFD");
}
