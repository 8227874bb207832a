// Properties of the models: any bytes, long pieces, random ways, caches.
#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <thread>

#include "tests/tokenizer/models/model_goldens.h"
#include "tokenizer/files/sentencepiece_parts.h"
#include "tokenizer/models/word_piece.h"
#include "tokenizer/unicode.h"

using namespace gradus;

namespace {

SentencePieceModel model_file(const std::string& name) {
    return read_sentencepiece_model(golden_path("models/" + name));
}

UnigramModel small_unigram() {
    const SentencePieceModel file = model_file("unigram.model");
    const SentencePieceUnigram unigram = unigram_of(file);
    return UnigramModel(unigram.parts, names_of(file), unigram.rules);
}

BpeModel small_bpe(std::optional<double> dropout = std::nullopt) {
    const SentencePieceModel file = model_file("bpe.model");
    SentencePieceBpe bpe = bpe_of(file);
    bpe.parts.dropout = dropout;
    return BpeModel(bpe.parts, names_of(file), bpe.rules);
}

std::string prose_with_marks() {
    std::string text;
    for (const char byte : read_file(golden_path("prose.txt")))
        if (byte == ' ') text += "\u2581";
        else text += byte;
    return text;
}

std::string joined(const std::vector<ModelToken>& tokens, const TokenNames& names) {
    std::string text;
    for (const ModelToken& token : tokens) text += names[size_t(token.id)];
    return text;
}

double seconds_of(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("any bytes are encoded, with and without the cache alike, and their offsets cover them in order") {
    const UnigramModel unigram = small_unigram();
    const BpeModel bpe = small_bpe();
    Numbers numbers(5);
    const std::string prose = prose_with_marks();
    const auto check = [&](const auto& model, const std::string& text) {
        const std::vector<ModelToken> tokens = tokens_of(model, text);
        std::vector<int32_t> ids;
        append_ids(tokens, ids);
        REQUIRE(ids_of(model, text) == ids);
        uint32_t at = 0;
        for (const ModelToken& token : tokens) {
            REQUIRE(token.begin <= at);  // several bytes of an unknown text may share its place
            REQUIRE(token.end >= at);
            at = token.end;
        }
        REQUIRE(at == text.size());
    };
    for (int round = 0; round < 500; ++round) {
        std::string text = numbers.bytes(numbers.below(100));
        text.insert(numbers.below(text.size() + 1), prose, numbers.below(prose.size()), numbers.below(100));
        check(unigram, text);
        check(bpe, text);
    }
}

TEST_CASE("a whole text has the tokens of its words, wherever the sums of scores stand") {
    const UnigramModel model = small_unigram();
    std::string text;
    for (int copy = 0; copy < 200; ++copy) text += prose_with_marks();
    std::vector<int32_t> ids;
    append_ids(tokens_of(model, text), ids);
    REQUIRE(ids_of(model, text) == ids);
    REQUIRE(ids_of(model, text) == ids);
}

TEST_CASE("adjacent unknown characters are one token, however a text is split") {
    parts::Bpe parts;
    parts.unknown = "<unk>";
    parts.fuse_unknown = true;
    TokenNames names = {"<unk>"};
    for (char letter = 'a'; letter <= 'z'; ++letter) names.push_back(std::string(1, letter));
    for (int32_t letter = 1; letter <= 26; ++letter) {
        names.push_back(names[size_t(letter)] + "a");
        parts.merges.push_back({letter, 1, int32_t(names.size() - 1)});
    }
    const BpeModel model(parts, names);
    Numbers numbers(4);
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (size_t i = numbers.below(12); i > 0; --i)
            if (numbers.below(2) == 0) text += char('a' + numbers.below(26));
            else append_utf8(text, char32_t(0x4E00 + numbers.below(5000)));
        const std::vector<ModelToken> tokens = tokens_of(model, text);
        std::vector<int32_t> ids;
        append_ids(tokens, ids);
        REQUIRE(ids_of(model, text) == ids);
        for (size_t i = 1; i < tokens.size(); ++i) {
            REQUIRE((tokens[i].id != 0 || tokens[i - 1].id != 0));
            REQUIRE(tokens[i].begin == tokens[i - 1].end);
        }
    }
}

TEST_CASE("a million times the same letter takes well under a second") {
    parts::Bpe parts;
    TokenNames names = {"a", "aa", "aaaa", "aaaaaaaa"};
    for (int32_t id = 0; id < 3; ++id) parts.merges.push_back({id, id, id + 1});
    const std::string text(1'000'003, 'a');
    std::vector<int32_t> ids;
    const BpeModel model(parts, names);
    REQUIRE(seconds_of([&] { model.encode(text, ids); }) < 3);
    std::vector<int32_t> expected(125'000, 3);
    expected.insert(expected.end(), {1, 0});
    REQUIRE(ids == expected);

    parts.merges = {{0, 0, 1}};
    REQUIRE(ids_of(BpeModel(parts, names), "aaaaa") == std::vector<int32_t>{1, 1, 0});
    const WordPieceModel word_piece({"a", "", UINT64_MAX}, names);
    REQUIRE(ids_of(word_piece, text).size() == 125'002);
}

TEST_CASE("the cache keeps the pieces of different models and of equal ends apart") {
    const auto scores = [](const TokenNames& names) {
        return parts::Unigram{std::vector<double>(names.size(), -1), 0, false};
    };
    const TokenNames names = {"<unk>", "abcdefgh", "x", "y", "xa", "hx", "ya", "hy", "xx", "ha"};
    const TokenNames others = {"<unk>", "x", "abcdefgh", "xa", "hx", "xx", "ha"};
    const UnigramModel one(scores(names), names), other(scores(others), others);
    for (int round = 0; round < 2; ++round) {
        REQUIRE(ids_of(one, "abcdefgh") == std::vector<int32_t>{1});
        REQUIRE(ids_of(other, "abcdefgh") == std::vector<int32_t>{2});
        REQUIRE(ids_of(one, "abcdefghabcdefgh") == std::vector<int32_t>{1, 1});
        REQUIRE(ids_of(one, "abcdefghxabcdefgh") == std::vector<int32_t>{1, 2, 1});
        REQUIRE(ids_of(one, "abcdefghyabcdefgh") == std::vector<int32_t>{1, 3, 1});
        REQUIRE(ids_of(one, "xx") == std::vector<int32_t>{8});
        REQUIRE(ids_of(one, "xxx").size() == 2);
        REQUIRE(ids_of(other, "xx") == std::vector<int32_t>{5});
    }
}

TEST_CASE("threads encode with one model at once") {
    const UnigramModel model = small_unigram();
    const std::string text = prose_with_marks();
    const std::vector<int32_t> expected = ids_of(model, text);
    std::vector<std::vector<int32_t>> results(4);
    std::vector<std::thread> threads;
    for (std::vector<int32_t>& result : results)
        threads.emplace_back([&model, &text, &result] { result = ids_of(model, text); });
    for (std::thread& thread : threads) thread.join();
    for (const std::vector<int32_t>& result : results) REQUIRE(result == expected);
}

TEST_CASE("the best ways of Unigram are distinct, in order, and the first is the one that it encodes") {
    const UnigramModel model = small_unigram();
    const std::string text = "\u2581the\u2581language\u2581of\u2581ladders";
    const std::vector<UnigramModel::Way> ways = model.best_ways(text, 50);
    REQUIRE(ways.size() == 50);
    REQUIRE(ways[0].tokens == tokens_of(model, text));
    std::set<std::vector<int32_t>> seen;
    for (size_t i = 0; i < ways.size(); ++i) {
        if (i > 0) REQUIRE(ways[i].score <= ways[i - 1].score);
        std::vector<int32_t> ids;
        append_ids(ways[i].tokens, ids);
        REQUIRE(seen.insert(ids).second);
    }
    REQUIRE(model.best_ways("", 3).empty());

    const UnigramModel tiny({{-1, -1, -3}, std::nullopt, false}, {"a", "b", "ab"});
    REQUIRE(tiny.best_ways("ab", 9).size() == 2);
    REQUIRE(tiny.best_ways(std::string(3000, 'a'), 2).size() == 1);
}

TEST_CASE("Unigram samples each way with its share of the probability") {
    const UnigramModel model({{std::log(0.5), std::log(0.25), std::log(0.25)}, std::nullopt, false}, {"a", "b", "ab"});
    std::map<size_t, int> counts;
    for (uint64_t i = 0; i < 20000; ++i) ++counts[model.sample("ab", 1, 7, i).size()];
    REQUIRE(counts[1] + counts[2] == 20000);
    REQUIRE(std::abs(counts[1] / 20000.0 - 2.0 / 3) < 0.01);  // 1/4 against 1/2 · 1/4
    counts.clear();
    for (uint64_t i = 0; i < 20000; ++i) ++counts[model.sample("ab", 0, 7, i).size()];
    REQUIRE(std::abs(counts[1] / 20000.0 - 0.5) < 0.01);
    REQUIRE(model.sample("ab", 1, 7, 3) == model.sample("ab", 1, 7, 3));
    REQUIRE(model.sample("", 1, 7, 3).empty());
}

TEST_CASE("dropout leaves out merges at random, and repeatably") {
    const SentencePieceModel file = model_file("bpe.model");
    const TokenNames names = names_of(file);
    const std::string text = "\u2581the\u2581language\u2581of\u2581ladders";
    const auto count = [&](double dropout, uint64_t counter) {
        std::vector<ModelToken> tokens;
        small_bpe(dropout).encode_with_dropout(text, 1, counter, tokens);
        REQUIRE(joined(tokens, names) == text);
        return tokens.size();
    };
    const size_t merged = tokens_of(small_bpe(), text).size();
    REQUIRE(count(0, 0) == merged);
    REQUIRE(count(1, 0) == 24);  // characters
    std::set<size_t> sizes;
    for (uint64_t counter = 0; counter < 20; ++counter) {
        sizes.insert(count(0.5, counter));
        REQUIRE(count(0.5, counter) == count(0.5, counter));
    }
    REQUIRE(sizes.size() > 3);
    REQUIRE(tokens_of(small_bpe(0.5), text) == tokens_of(small_bpe(), text));
}

TEST_CASE("what a vocabulary cannot express is an Error when it is needed") {
    std::vector<int32_t> ids;
    const TokenNames names = {"a", "b"};
    REQUIRE_THROWS_AS(WordPieceModel({}, names).encode("x", ids), Error);
    REQUIRE_THROWS_AS(UnigramModel({{-1, -2}, std::nullopt, false}, names).encode("x", ids), Error);
    parts::Bpe bpe;
    bpe.unknown = "<unk>";
    REQUIRE_THROWS_AS(BpeModel(bpe, names).encode("x", ids), Error);
    REQUIRE(ids_of(BpeModel(parts::Bpe{}, names), "axb") == std::vector<int32_t>{0, 1});
    bpe.merges = {{0, 1, 2}};
    REQUIRE_THROWS_AS(BpeModel(bpe, names), Error);
    bpe.merges.clear();
    bpe.dropout = 2;
    REQUIRE_THROWS_AS(BpeModel(bpe, names), Error);
    REQUIRE_THROWS_AS(UnigramModel({{-1, -2, -3}, std::nullopt, false}, names), Error);
    REQUIRE_THROWS_AS(UnigramModel({{-1, NAN}, std::nullopt, false}, names), Error);
    REQUIRE_THROWS_AS(UnigramModel({{-1, -2}, 2, false}, names), Error);
}
