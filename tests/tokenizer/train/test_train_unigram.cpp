// Training of Unigram.
#include <algorithm>
#include <cmath>
#include <set>

#include "tests/tokenizer/goldens.h"
#include "tokenizer/models/unigram.h"
#include "tokenizer/piece_key.h"
#include "tokenizer/train/train_unigram.h"
#include "tokenizer/train/unigram_seeds.h"

using namespace gradus;

namespace {

// The words of a text, each with U+2581 before it.
PieceCounter words_of(const std::string& text) {
    PieceCounter counter;
    std::string word = "\u2581";
    const auto flush = [&] {
        if (word.size() > 3) counter.add(word, hash_piece(word), 1);
        word = "\u2581";
    };
    for (const char byte : text)
        if (byte == ' ' || byte == '\n') flush();
        else word += byte;
    flush();
    return counter;
}

}  // namespace

TEST_CASE("seeds are all characters and the substrings that occur twice, at their greatest length") {
    PieceCounter counter;
    for (const char* word : {"abcab", "xabc", "\u00e9"}) counter.add(word, hash_piece(word), 1);
    const std::vector<PieceCounter::Piece> words = counter.sorted();
    std::set<std::string> texts;
    for (const UnigramSeed& seed : unigram_seeds(words, 100, 16))
        texts.insert(std::string(seed.text) + " " + std::to_string(int(seed.count)));
    REQUIRE(texts == std::set<std::string>{"a 3", "b 3", "c 2", "x 1", "\u00e9 1", "ab 3", "abc 2", "bc 2"});
    REQUIRE(unigram_seeds(words, 1, 16).size() == 6);
}

TEST_CASE("a trained Unigram has the requested size and writes its corpus in far fewer tokens than characters") {
    const std::string prose = read_file(golden_path("prose.txt"));
    const PieceCounter words = words_of(prose);
    UnigramTraining training;
    training.vocab_size = 320;
    const TrainedUnigram trained = train_unigram(words.sorted(), training);
    REQUIRE(trained.names.size() == 320);
    REQUIRE(trained.parts.scores.size() == 320);
    REQUIRE(std::set<std::string>(trained.names.begin(), trained.names.end()).size() == 320);
    REQUIRE(std::is_sorted(trained.parts.scores.begin() + 1, trained.parts.scores.end(), std::greater<>()));

    UnigramRules rules;
    rules.never_in_text = {0};
    const UnigramModel model(trained.parts, trained.names, rules);
    size_t tokens = 0, bytes = 0;
    for (const PieceCounter::Piece& word : words.sorted()) {
        std::vector<int32_t> ids;
        model.encode(word.bytes, ids);
        REQUIRE(std::find(ids.begin(), ids.end(), 0) == ids.end());
        tokens += ids.size() * size_t(word.count);
        bytes += (word.bytes.size() - 2) * size_t(word.count);
    }
    REQUIRE(tokens * 2 < bytes);
    const TrainedUnigram again = train_unigram(words.sorted(), training);
    REQUIRE(again.names == trained.names);
    REQUIRE(again.parts == trained.parts);
}

TEST_CASE("a corpus without words and a vocabulary too small for its characters are refused") {
    REQUIRE_THROWS_AS(train_unigram({}, {}), Error);
    const PieceCounter words = words_of("a few letters");
    UnigramTraining training;
    training.vocab_size = 5;
    REQUIRE_THROWS_AS(train_unigram(words.sorted(), training), Error);
    training.vocab_size = 1000;
    REQUIRE(train_unigram(words.sorted(), training).names.size() < 1000);
}
