// Byte-level BPE as a model: properties for any vocabulary and any bytes.
#include <thread>

#include "tests/tokenizer/goldens.h"
#include "tokenizer/byte_bpe.h"
#include "tokenizer/scan/scan.h"
#include "tokenizer/train_bpe.h"

using namespace gradus;

namespace {

Tokenizer prose() { return Tokenizer::load(golden_path("prose.json")); }

// The definition, literally: find the best pair, merge its leftmost occurrence, start over.
std::vector<int32_t> merged_by_definition(const TokenizerParts& parts, std::string_view piece) {
    std::vector<int32_t> ids;
    for (const char byte : piece)
        for (int32_t id = 0; id < parts.vocabulary.size(); ++id)
            if (parts.vocabulary.bytes_of(id) == std::string_view(&byte, 1)) ids.push_back(id);
    for (size_t rank = 0; rank < parts.merges.size();) {
        const Merge& merge = parts.merges[rank++];
        for (size_t i = 0; i + 1 < ids.size(); ++i) {
            if (ids[i] != merge.left || ids[i + 1] != merge.right) continue;
            ids[i] = merge.result;
            ids.erase(ids.begin() + long(i) + 1);
            rank = 0;
            break;
        }
    }
    return ids;
}

}  // namespace

TEST_CASE("scan, heap, table and cache all match the definition of byte-pair merging") {
    const Tokenizer tokenizer = prose();
    const ByteBpe model(tokenizer.parts());
    const std::string text = read_file(golden_path("prose.txt"));
    Numbers numbers(5);
    for (int round = 0; round < 60; ++round) {
        const size_t begin = numbers.below(text.size() - 200);
        std::string piece = text.substr(begin, 1 + numbers.below(round % 2 ? 200 : 30));
        const std::vector<int32_t> expected = merged_by_definition(tokenizer.parts(), piece);
        std::vector<int32_t> ids;
        model.merge_piece(piece, ids);
        REQUIRE(ids == expected);
    }
    for (const size_t length : {1u, 2u, 3u, 63u, 64u, 65u, 66u, 500u}) {
        std::vector<int32_t> ids;
        model.merge_piece(std::string(length, 'e'), ids);
        REQUIRE(ids == merged_by_definition(tokenizer.parts(), std::string(length, 'e')));
    }
    for (int round = 0; round < 2; ++round) {
        std::vector<int32_t> expected, ids;
        for_each_piece(KnownPattern::gpt2, text, [&](std::string_view piece) {
            const std::vector<int32_t> of_piece = merged_by_definition(tokenizer.parts(), piece);
            expected.insert(expected.end(), of_piece.begin(), of_piece.end());
        });
        model.encode(text, ids);
        REQUIRE(ids == expected);
    }
}

TEST_CASE("long pieces are split only where no merge joins, so their ids match the definition") {
    // Few merges, so that there are many splits; some pairs of letters occur in tokens, some never do.
    BpeTraining training;
    training.vocab_size = 266;
    const Tokenizer tokenizer = train_bpe(texts({"abab bcbc abcabc dede", "cdcd"}), training);
    const ByteBpe model(tokenizer.parts());
    Numbers numbers(23);
    for (int round = 0; round < 200; ++round) {
        std::string piece;
        for (uint64_t n = 65 + numbers.below(300); n > 0; --n) piece += "abcdex"[numbers.below(6)];
        std::vector<int32_t> ids;
        model.merge_piece(piece, ids);
        REQUIRE(ids == merged_by_definition(tokenizer.parts(), piece));
    }
}

TEST_CASE("hundreds of megabytes without a break are an error instead of exhausting memory") {
    BpeTraining training;
    training.vocab_size = 258;
    const Tokenizer tokenizer = train_bpe(texts({std::string(8, '\0')}), training);
    const ByteBpe model(tokenizer.parts());
    const TemporaryFolder folder;
    const fs::path path = folder.write("zeros", "");
    fs::resize_file(path, ByteBpe::longest_part + 1);  // a sparse file: takes no disk space, and no memory to read
    const MappedFile zeros(path);
    std::vector<int32_t> ids;
    const Error error = error_of([&] { model.merge_piece(zeros.text(), ids); });
    REQUIRE(contains(error.what(), "without a break"));
    REQUIRE(ids.empty());
}

TEST_CASE("decode(encode(x)) gives any bytes back") {
    const Tokenizer tokenizer = prose();
    Numbers numbers(7);
    for (int round = 0; round < 3000; ++round) {
        const std::string text = numbers.bytes(numbers.below(round % 100 == 0 ? 5000 : 50));
        REQUIRE(tokenizer.decode(tokenizer.encode(text)) == text);
    }
}

TEST_CASE("encoding in parts split between pieces equals encoding at once") {
    const Tokenizer tokenizer = prose();
    const std::string text = read_file(golden_path("prose.txt"));
    const size_t cut = text.find(" do, too");
    std::vector<int32_t> ids;
    tokenizer.encode_append(text.substr(0, cut), ids);
    tokenizer.encode_append(text.substr(cut), ids);
    REQUIRE(ids == tokenizer.encode(text));
}

TEST_CASE("a million equal letters are encoded and decoded") {
    const Tokenizer tokenizer = prose();
    const std::string text = std::string(1'000'000, 'a') + std::string(1'000'000, ' ') + std::string(1'000'000, '\xFF');
    REQUIRE(tokenizer.decode(tokenizer.encode(text)) == text);
}

TEST_CASE("tokenizers with different vocabularies do not share cached pieces") {
    const Tokenizer whole = prose(), lines = Tokenizer::load(golden_path("prose_lines.json"));
    for (const nlohmann::json& row : golden("tokens.json")) {
        const std::string text = row["text"];
        REQUIRE(whole.encode_with_specials(text) == row["prose"].get<std::vector<int32_t>>());
        REQUIRE(lines.encode_with_specials(text) == row["prose_lines"].get<std::vector<int32_t>>());
    }
}

TEST_CASE("many threads encode with one tokenizer") {
    const Tokenizer tokenizer = prose();
    const std::string text = read_file(golden_path("prose.txt"));
    const std::vector<int32_t> expected = tokenizer.encode(text);
    std::vector<std::vector<int32_t>> results(4);
    std::vector<std::thread> threads;
    for (std::vector<int32_t>& ids : results)
        threads.emplace_back([&] {
            for (int round = 0; round < 20; ++round) ids = tokenizer.encode(text);
        });
    for (std::thread& thread : threads) thread.join();
    for (const std::vector<int32_t>& ids : results) REQUIRE(ids == expected);
}

TEST_CASE("a special token in plain text stays text, and is recognised only on request") {
    const Tokenizer tokenizer = prose();
    const std::string text = "one<|endoftext|>two";
    const int32_t end = tokenizer.end_of_text().value();
    const std::vector<int32_t> plain = tokenizer.encode(text), special = tokenizer.encode_with_specials(text);
    REQUIRE(std::count(plain.begin(), plain.end(), end) == 0);
    REQUIRE(std::count(special.begin(), special.end(), end) == 1);
    REQUIRE(tokenizer.decode(plain) == text);
    REQUIRE(tokenizer.decode(special) == text);
    REQUIRE(tokenizer.bytes_of(end) == "<|endoftext|>");
    REQUIRE(tokenizer.is_special(end));
    REQUIRE_FALSE(tokenizer.is_special(end + 1));
    REQUIRE(tokenizer.id_of("<|endoftext|>") == end);
    REQUIRE_FALSE(tokenizer.id_of("the").has_value());
}

TEST_CASE("an id outside the vocabulary is an error that names it") {
    const Tokenizer tokenizer = prose();
    for (const int32_t id : {-1, tokenizer.vocab_size(), INT32_MAX, INT32_MIN}) {
        const std::vector<int32_t> ids = {1, id};
        REQUIRE(contains(error_of([&] { tokenizer.decode(ids); }).what(), std::to_string(id)));
        REQUIRE(contains(error_of([&] { tokenizer.bytes_of(id); }).cause, std::to_string(tokenizer.vocab_size() - 1)));
    }
}
