// GPT-2's pattern and vocabulary against the goldens.
#include "engine/base/fnv.h"
#include "tests/tokenizer/goldens.h"
#include "tokenizer/scan/scan.h"

using namespace gradus;

namespace {

uint64_t digest_of(const std::vector<int32_t>& ids) {
    uint64_t digest = fnv_start;
    for (const int32_t id : ids) digest = fnv1a(digest, uint32_t(id), sizeof id);
    return digest;
}

}  // namespace

TEST_CASE("text is split into the same pieces as by the library") {
    int checked = 0;
    for (const nlohmann::json& row : golden("gpt2.json")) {
        if (!row.contains("text")) continue;
        const std::string text = row["text"];
        std::vector<size_t> lengths;
        for_each_piece(KnownPattern::gpt2, text, [&](std::string_view piece) { lengths.push_back(piece.size()); });
        CAPTURE(text);
        REQUIRE(lengths == row["pieces"].get<std::vector<size_t>>());
        ++checked;
    }
    REQUIRE(checked > 350);
}

TEST_CASE("pieces cover any bytes, and invalid bytes are classified as punctuation") {
    Numbers numbers(3);
    for (int round = 0; round < 2000; ++round) {
        const std::string text = numbers.bytes(numbers.below(40));
        size_t total = 0;
        for_each_piece(KnownPattern::gpt2, text, [&](std::string_view piece) {
            REQUIRE_FALSE(piece.empty());
            REQUIRE(piece.data() == text.data() + total);
            total += piece.size();
        });
        REQUIRE(total == text.size());
    }
    std::vector<std::string> pieces;
    for_each_piece(KnownPattern::gpt2, "a\xFF!\xC3 \x80z", [&](std::string_view piece) { pieces.emplace_back(piece); });
    REQUIRE(pieces == std::vector<std::string>{"a", "\xFF!\xC3", " \x80", "z"});
}

TEST_CASE("GPT-2's ids of awkward texts match the library's") {
    const std::optional<Tokenizer> tokenizer = gpt2();
    if (!tokenizer) return;
    REQUIRE(tokenizer->vocab_size() == 50257);
    REQUIRE(tokenizer->end_of_text() == 50256);
    for (const nlohmann::json& row : golden("gpt2.json")) {
        if (!row.contains("text")) continue;
        const std::string text = row["text"];
        CAPTURE(text);
        const std::vector<int32_t> ids = tokenizer->encode(text);
        REQUIRE(ids == row["ids"].get<std::vector<int32_t>>());
        REQUIRE(tokenizer->decode(ids) == text);
    }
}

TEST_CASE("the hash of GPT-2's ids of all of Shakespeare matches the library's") {
    const std::optional<Tokenizer> tokenizer = gpt2();
    const fs::path path = shared_data() / "tinyshakespeare.txt";
    if (!tokenizer || !fs::exists(path)) {
        WARN("skipped: " << path << " is not there");
        return;
    }
    const std::string text = read_file(path);
    const nlohmann::json expected = golden("gpt2.json").back();
    for (int round = 0; round < 2; ++round) {  // with a cold piece cache, then with a warm one
        const std::vector<int32_t> ids = tokenizer->encode(text);
        REQUIRE(ids.size() == expected["count"].get<size_t>());
        char digest[17];
        std::snprintf(digest, sizeof digest, "%016llx", static_cast<unsigned long long>(digest_of(ids)));
        REQUIRE(digest == expected["tinyshakespeare"].get<std::string>());
        REQUIRE(tokenizer->decode(ids) == text);
    }
}
