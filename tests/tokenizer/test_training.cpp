// Training: equal to the library's, whatever the order of texts and the number of threads.
#include <algorithm>

#include "tests/tokenizer/goldens.h"
#include "tokenizer/train_bpe.h"

using namespace gradus;

namespace {

std::string prose() { return read_file(golden_path("prose.txt")); }

Tokenizer train(std::vector<std::string> all, int32_t vocab_size, int threads = 1) {
    BpeTraining training;
    training.vocab_size = vocab_size;
    training.threads = threads;
    return train_bpe(texts(std::move(all)), training);
}

// The tokenizer's file as the library writes it: without a post-processor.
std::string without_opening(const Tokenizer& tokenizer) {
    TokenizerParts parts = tokenizer.parts();
    REQUIRE(parts.opening == std::vector<int32_t>{*tokenizer.end_of_text()});
    parts.opening.clear();
    return Tokenizer(std::move(parts)).to_json();
}

}  // namespace

TEST_CASE("tokens and merges trained on a text are the library's") {
    REQUIRE(without_opening(train({prose()}, 800)) == Tokenizer::load(golden_path("prose.json")).to_json());
}

TEST_CASE("tokens and merges trained on lines, with a minimum frequency and two special tokens, are the library's") {
    BpeTraining training;
    training.vocab_size = 900;
    training.min_frequency = 3;
    training.specials = {"<|endoftext|>", "<|pad|>"};
    const Tokenizer trained = train_bpe(texts(lines_of(prose())), training);
    REQUIRE(without_opening(trained) == Tokenizer::load(golden_path("prose_lines.json")).to_json());
    REQUIRE(trained.vocab_size() < 900);
}

TEST_CASE("the order of the texts and the number of threads do not change the result") {
    std::vector<std::string> lines;
    for (int copy = 0; copy < 200; ++copy)
        for (const std::string& line : lines_of(prose())) lines.push_back(line + std::to_string(copy % 7));
    const std::string expected = train(lines, 1000).to_json();
    for (const int threads : {2, 3, 8}) REQUIRE(train(lines, 1000, threads).to_json() == expected);
    std::reverse(lines.begin(), lines.end());
    REQUIRE(train(lines, 1000).to_json() == expected);
}

TEST_CASE("ties go to the pair with the lower ids") {
    const Tokenizer tokenizer = train({"zy zy ab ab"}, 260);
    REQUIRE(tokenizer.bytes_of(257) == "ab");
    REQUIRE(tokenizer.bytes_of(258) == "zy");
    REQUIRE(tokenizer.bytes_of(259) == " ab");
}

TEST_CASE("no token crosses the pieces of the pattern that the training has") {
    BpeTraining training;
    training.vocab_size = 300;
    training.pattern = KnownPattern::cl100k;
    const Tokenizer threes = train_bpe(texts({"12345678 12345678\n(word\n(word"}), training);
    REQUIRE(threes.parts().pattern == KnownPattern::cl100k);
    REQUIRE(threes.encode("12345678").size() == 3);
    REQUIRE(threes.encode("(word").size() == 1);
    training.pattern = KnownPattern::gpt2;
    const Tokenizer runs = train_bpe(texts({"12345678 12345678\n(word\n(word"}), training);
    REQUIRE(runs.encode("12345678").size() == 1);
    REQUIRE(runs.encode("(word").size() == 2);
}

TEST_CASE("training stops when no pair is left") {
    const Tokenizer tokenizer = train({"aa aa"}, 5000);
    REQUIRE(tokenizer.vocab_size() == 256 + 1 + 2);
    REQUIRE(tokenizer.encode("aa aa").size() == 2);
}

TEST_CASE("any bytes can be trained on") {
    Numbers numbers(11);
    std::vector<std::string> all;
    for (int i = 0; i < 50; ++i) all.push_back(numbers.bytes(300) + std::string(20, '\xC3') + std::string(3, '\0'));
    const Tokenizer tokenizer = train(all, 600, 2);
    for (const std::string& text : all) REQUIRE(tokenizer.decode(tokenizer.encode(text)) == text);
    REQUIRE(Tokenizer::parse(tokenizer.to_json(), "copy").to_json() == tokenizer.to_json());
}

TEST_CASE(
    "few letters in long words make the same tokens in several ways, and the files still agree with the trainer") {
    Numbers numbers(13);
    for (int round = 0; round < 30; ++round) {
        std::vector<std::string> all;
        for (int i = 0; i < 20; ++i) {
            std::string word;
            for (uint64_t n = 1 + numbers.below(60); n > 0; --n) word += "ab"[numbers.below(2)];
            all.push_back(word);
        }
        const Tokenizer tokenizer = train(all, 340);
        const Tokenizer copy = Tokenizer::parse(tokenizer.to_json(), "copy");
        std::reverse(all.begin(), all.end());
        REQUIRE(train(all, 340, 2).to_json() == tokenizer.to_json());
        for (const std::string& text : all) {
            REQUIRE(copy.encode(text) == tokenizer.encode(text));
            REQUIRE(copy.decode(copy.encode(text)) == text);
        }
    }
}

TEST_CASE("progress counts texts, bytes and merges up to the end") {
    BpeTrainingProgress last;
    BpeTraining training;
    training.vocab_size = 600;
    training.threads = 2;
    training.progress = [&](const BpeTrainingProgress& progress) {
        REQUIRE(progress.bytes >= last.bytes);
        REQUIRE(progress.merges >= last.merges);
        last = progress;
    };
    train_bpe(texts(lines_of(prose())), training);
    REQUIRE(last.bytes == prose().size());
    REQUIRE(last.texts == lines_of(prose()).size());
    REQUIRE(last.pieces > 100);
    REQUIRE(last.merges == 600 - 257);
    REQUIRE(last.all_merges == 600 - 257);
}

TEST_CASE("invalid settings are refused with a valid alternative") {
    REQUIRE(contains(error_of([] { train({"text"}, 256); }).fix, "257"));
    REQUIRE(contains(error_of([] { train({}, 300); }).what(), "no text"));
    REQUIRE(contains(error_of([] { train({"", ""}, 300); }).cause, "2 texts"));
    const auto with_special = [](const std::string& special) {
        BpeTraining training;
        training.vocab_size = 300;
        training.specials = {special, "<|endoftext|>"};
        return error_of([&] { train_bpe(texts({"the the the then"}), training); });
    };
    REQUIRE(contains(with_special("the").what(), "'the' is also a piece of ordinary text"));
    REQUIRE(contains(with_special("t").fix, "<|t|>"));
    REQUIRE(contains(with_special("\u0120the").what(), "\u0120the"));
    REQUIRE(contains(with_special("<|endoftext|>").what(), "twice"));
    REQUIRE(contains(with_special("").what(), "no text"));
}

TEST_CASE("an error in the source of texts reaches the caller from any thread") {
    for (const int threads : {1, 4}) {
        BpeTraining training;
        training.threads = threads;
        int left = 1000;
        const TextSource broken = [&](std::string& text) {
            if (--left == 0) throw Error("the disk is gone", "it was there", "find it");
            text = std::string(10'000, 'x');
            return true;
        };
        REQUIRE(std::string(error_of([&] { train_bpe(broken, training); }).what()) == "the disk is gone");
    }
}
