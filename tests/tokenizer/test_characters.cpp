// Character vocabularies.
#include "tests/tokenizer/goldens.h"
#include "tokenizer/train_characters.h"

using namespace gradus;

TEST_CASE("characters get ids in the order of their code points") {
    const Tokenizer tokenizer = train_characters(texts({"hello\n", "w\u00f6rld \U0001f600"}));
    REQUIRE(tokenizer.kind() == TokenizerKind::characters);
    REQUIRE(tokenizer.vocab_size() == 11);
    REQUIRE(tokenizer.decode(std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) == "\n dehlorw\u00f6\U0001f600");
    REQUIRE(tokenizer.encode("\n \U0001f600") == std::vector<int32_t>{0, 1, 10});
    REQUIRE_FALSE(tokenizer.end_of_text().has_value());
}

TEST_CASE("end-of-text comes after the characters and is never recognised in plain text") {
    const Tokenizer tokenizer = train_characters(texts({"<|endoftext|>"}), {.end_of_text = true});
    REQUIRE(tokenizer.end_of_text() == tokenizer.vocab_size() - 1);
    REQUIRE(tokenizer.encode("<|endoftext|>").size() == 13);
    REQUIRE(tokenizer.encode_with_specials("e<|endoftext|>e").size() == 3);
    REQUIRE(tokenizer.decode(tokenizer.encode_with_specials("e<|endoftext|>e")) == "e<|endoftext|>e");
}

TEST_CASE("an error names a character outside the vocabulary and its offset") {
    const Tokenizer tokenizer = train_characters(texts({"abc \u00e9"}));
    const Error unknown = error_of([&] { tokenizer.encode("ab\u00e9\u4e2d"); });
    REQUIRE(contains(unknown.what(), "'\u4e2d' (U+4E2D)"));
    REQUIRE(contains(unknown.cause, "byte 4"));
    REQUIRE(contains(error_of([&] { tokenizer.encode("ab\n"); }).what(), "U+000A"));
    const Error broken = error_of([&] { tokenizer.encode("ab\xFF"); });
    REQUIRE(contains(broken.what(), "not UTF-8"));
    REQUIRE(contains(broken.cause, "0xFF at offset 2"));
}

TEST_CASE("a saved character vocabulary is loaded with the same ids") {
    const std::string prose = read_file(golden_path("prose.txt"));
    for (const bool end_of_text : {false, true}) {
        const Tokenizer tokenizer =
            train_characters(texts({prose, std::string("\0\\\"", 3)}), {.end_of_text = end_of_text});
        const Tokenizer copy = Tokenizer::parse(tokenizer.to_json(), "copy");
        REQUIRE(copy.kind() == TokenizerKind::characters);
        REQUIRE(copy.encode(prose) == tokenizer.encode(prose));
        REQUIRE(copy.decode(copy.encode(prose)) == prose);
        REQUIRE(copy.end_of_text() == tokenizer.end_of_text());
        REQUIRE(copy.to_json() == tokenizer.to_json());
    }
}

TEST_CASE("a corpus without text, or not in UTF-8, is an error for a character vocabulary") {
    REQUIRE(contains(error_of([] { train_characters(texts({""})); }).what(), "no text"));
    const Error error = error_of([] { train_characters(texts({"fine", "not\xC3"})); });
    REQUIRE(contains(error.what(), "text 2"));
    REQUIRE(contains(error.cause, "offset 3"));
}
