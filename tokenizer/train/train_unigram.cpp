// Training Unigram: expectation maximization, pruning, and the final choice.
#include "tokenizer/train/train_unigram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "engine/base/error.h"
#include "tokenizer/models/unigram_edges.h"
#include "tokenizer/train/unigram_seeds.h"
#include "tokenizer/unicode.h"

namespace gradus {

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

// The derivative of log(gamma(x)), x > 0.
double digamma(double x) {
    double result = 0;
    for (; x < 7; ++x) result -= 1 / x;
    x -= 0.5;
    const double square = 1 / (x * x);
    return result + std::log(x) +
           square * (1.0 / 24 - square * (7.0 / 960 - square * (31.0 / 8064 - square * 127.0 / 30720)));
}

double log_sum(double a, double b) {
    const double larger = std::max(a, b);
    return std::isinf(larger) ? larger : larger + std::log1p(std::exp(std::min(a, b) - larger));
}

class Trainer {
public:
    Trainer(const std::vector<PieceCounter::Piece>& words, const UnigramTraining& training) : training_(training) {
        for (const PieceCounter::Piece& word : words)
            if (!word.bytes.empty() && is_utf8(word.bytes)) words_.push_back(word);
        if (words_.empty())
            throw Error("there is no text to train on", "the corpus has no words", "check the input files");
        const std::vector<UnigramSeed> seeds = unigram_seeds(words_, training.seeds, training.max_token_chars);
        const std::unordered_set<std::string_view> specials(training.specials.begin(), training.specials.end());
        double sum = 0;
        for (const UnigramSeed& seed : seeds) {
            if (specials.contains(seed.text)) continue;
            chars_ += seed.chars == 1;
            tokens_.push_back({seed.text, seed.count * double(seed.chars), seed.chars == 1});
            sum += tokens_.back().score;
        }
        for (Token& token : tokens_) token.score = std::log(token.score / sum);
        const size_t least = chars_ + training.specials.size();
        if (training.vocab_size < 0 || size_t(training.vocab_size) < least)
            throw Error("a vocabulary of " + std::to_string(training.vocab_size) + " tokens is too small",
                        "the corpus has " + std::to_string(chars_) + " characters, and " +
                            std::to_string(training.specials.size()) + " special tokens come first",
                        "ask for at least " + std::to_string(least) + " tokens");
        wanted_ = size_t(training.vocab_size) - training.specials.size();
    }

    TrainedUnigram train() {
        const size_t enough = std::max(wanted_, size_t(double(wanted_) * 1.1));
        for (;;) {
            for (int iteration = 0; iteration < 2; ++iteration) maximize(expected_counts());
            if (tokens_.size() <= enough) break;
            const size_t before = tokens_.size();
            prune(std::max(enough, size_t(training_.shrinking_factor * double(before))));
            if (tokens_.size() == before) break;  // only characters are left
        }
        return result();
    }

private:
    struct Token {
        std::string_view text;
        double score;
        bool is_char;
    };

    void build_trie() {
        std::vector<DoubleArray::Entry> entries;
        for (size_t i = 0; i < tokens_.size(); ++i) entries.push_back({tokens_[i].text, int32_t(i)});
        trie_ = DoubleArray(std::move(entries));
    }

    // visit(end, token) for the tokens that begin at a byte of a word.
    template <class Visit>
    void each_token(std::string_view word, size_t begin, const Visit& visit) const {
        uint32_t node = DoubleArray::root;
        for (size_t at = begin; at < word.size();) {
            node = trie_.step(node, word[at++]);
            if (node == DoubleArray::no_node) return;
            if (const int32_t id = trie_.value(node); id >= 0) visit(at, size_t(id));
        }
    }

    // Forward and backward sums over all ways to write each word.
    std::vector<double> expected_counts() {
        build_trie();
        std::vector<double> expected(tokens_.size(), 0), before, after;
        for (const PieceCounter::Piece& piece : words_) {
            const std::string_view word = piece.bytes;
            before.assign(word.size() + 1, -infinite);
            after.assign(word.size() + 1, -infinite);
            before[0] = after[word.size()] = 0;
            for (size_t begin = 0; begin < word.size(); ++begin) {
                if (std::isinf(before[begin])) continue;
                each_token(word, begin, [&](size_t end, size_t token) {
                    before[end] = log_sum(before[end], before[begin] + tokens_[token].score);
                });
            }
            for (size_t begin = word.size(); begin-- > 0;) {
                if (std::isinf(before[begin])) continue;
                each_token(word, begin, [&](size_t end, size_t token) {
                    after[begin] = log_sum(after[begin], after[end] + tokens_[token].score);
                    const double way = before[begin] + tokens_[token].score + after[end] - before[word.size()];
                    expected[token] += double(piece.count) * std::exp(way);
                });
            }
        }
        return expected;
    }

    void maximize(const std::vector<double>& expected) {
        constexpr double least = 0.5;
        std::vector<Token> kept;
        double sum = 0;
        for (size_t i = 0; i < tokens_.size(); ++i) {
            if (expected[i] < least && !tokens_[i].is_char) continue;
            kept.push_back(tokens_[i]);
            kept.back().score = std::max(expected[i], least);
            sum += kept.back().score;
        }
        for (Token& token : kept) token.score = digamma(token.score) - digamma(sum);
        tokens_ = std::move(kept);
    }

    // The best way to write a text without the token `without`, from the last token to the first; its score.
    double best_way(std::string_view text, size_t without, std::vector<size_t>& way) {
        best_.assign(text.size() + 1, {-infinite, 0, 0});
        best_[0].score = 0;
        for (size_t begin = 0; begin < text.size(); ++begin) {
            if (std::isinf(best_[begin].score)) continue;
            each_token(text, begin, [&](size_t end, size_t token) {
                const double score = best_[begin].score + tokens_[token].score;
                if (token != without && score > best_[end].score) best_[end] = {score, begin, token};
            });
        }
        way.clear();
        if (std::isinf(best_[text.size()].score)) return -infinite;
        for (size_t end = text.size(); end > 0; end = best_[end].begin) way.push_back(best_[end].token);
        return best_[text.size()].score;
    }

    // Keeps the tokens without which the best ways of the words would be least likely. Without a token, its occurrences
    // are written with the tokens of the next best way.
    void prune(size_t most) {
        build_trie();
        constexpr size_t none = SIZE_MAX;
        std::vector<double> counts(tokens_.size(), 0);
        std::vector<size_t> way;
        double sum = 0;
        for (const PieceCounter::Piece& piece : words_) {
            best_way(piece.bytes, none, way);
            for (const size_t token : way) counts[token] += double(piece.count);
            sum += double(piece.count) * double(way.size());
        }
        struct Loss {
            double loss;
            size_t token;
        };
        std::vector<Loss> losses;
        std::vector<bool> keep(tokens_.size(), false);
        size_t kept = 0;
        for (size_t i = 0; i < tokens_.size(); ++i) {
            if (tokens_[i].is_char) {
                keep[i] = true;
                ++kept;
                continue;
            }
            if (counts[i] == 0) continue;
            best_way(tokens_[i].text, i, way);
            const double log_sum_before = std::log(sum);
            const double log_sum_after = std::log(sum + counts[i] * (double(way.size()) - 1));
            double alternative = 0;
            for (const size_t token : way) alternative += std::log(counts[token] + counts[i]) - log_sum_after;
            losses.push_back({counts[i] / sum * (std::log(counts[i]) - log_sum_before - alternative), i});
        }
        std::sort(losses.begin(), losses.end(),
                  [](const Loss& a, const Loss& b) { return a.loss != b.loss ? a.loss > b.loss : a.token < b.token; });
        for (size_t i = 0; i < losses.size() && kept < most; ++i, ++kept) keep[losses[i].token] = true;
        std::vector<Token> tokens;
        for (size_t i = 0; i < tokens_.size(); ++i)
            if (keep[i]) tokens.push_back(tokens_[i]);
        tokens_ = std::move(tokens);
    }

    TrainedUnigram result() {
        const auto better = [](const Token& a, const Token& b) {
            return a.score != b.score ? a.score > b.score : a.text < b.text;
        };
        std::sort(tokens_.begin(), tokens_.end(), better);
        size_t room = wanted_ - chars_;
        std::erase_if(tokens_, [&](const Token& token) { return !token.is_char && (room == 0 || room-- == 0); });
        TrainedUnigram trained;
        trained.parts.scores.assign(training_.specials.size(), 0);
        trained.names = training_.specials;
        if (!training_.specials.empty()) trained.parts.unknown = 0;
        for (const Token& token : tokens_) {
            trained.names.emplace_back(token.text);
            trained.parts.scores.push_back(token.score);
        }
        return trained;
    }

    struct Best {
        double score;
        size_t begin, token;
    };

    const UnigramTraining& training_;
    std::vector<PieceCounter::Piece> words_;
    std::vector<Token> tokens_;
    size_t chars_ = 0, wanted_ = 0;
    DoubleArray trie_;
    std::vector<Best> best_;
};

}  // namespace

TrainedUnigram train_unigram(const std::vector<PieceCounter::Piece>& words, const UnigramTraining& training) {
    return Trainer(words, training).train();
}

}  // namespace gradus
