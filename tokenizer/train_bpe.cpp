// Training byte-level BPE: count pieces, then repeatedly merge the most frequent pair.
#include "tokenizer/train_bpe.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "engine/base/error.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/pair_counts.h"
#include "tokenizer/pair_key.h"
#include "tokenizer/piece_counter.h"

namespace gradus {

namespace {

// The distinct pieces as sequences of token ids, which shrink as pairs are merged.
struct Words {
    std::vector<int32_t> ids;
    std::vector<size_t> begins;
    std::vector<uint32_t> lengths;
    std::vector<int64_t> counts;
};

class Trainer {
public:
    explicit Trainer(const BpeTraining& training) : training_(training) {
        for (const std::string& special : training.specials) add_special(special);
        add_bytes();
        if (training.vocab_size < int64_t(tokens_.size()))
            throw Error("a vocabulary of " + std::to_string(training.vocab_size) + " tokens is too small",
                        "256 bytes and " + std::to_string(special_ids_.size()) +
                            (special_ids_.size() == 1 ? " special token" : " special tokens") + " come first",
                        "ask for at least " + std::to_string(tokens_.size()) + " tokens");
    }

    TokenizerParts train(const TextSource& next) {
        progress_.all_merges = training_.vocab_size - int64_t(tokens_.size());
        count_words(next);
        queue_appeared_pairs();
        while (int64_t(tokens_.size()) < training_.vocab_size && merge_most_frequent()) {
            progress_.merges = int64_t(merges_.size());
            if (merges_.size() % 256 == 0) report();
        }
        report();
        return parts();
    }

private:
    // A candidate pair with the words in which it appeared when it was queued. Its count may be stale.
    struct Candidate {
        int64_t count;
        uint64_t pair;
        uint32_t index;
        std::vector<uint32_t> words;
        bool operator<(const Candidate& other) const {
            return count != other.count ? count < other.count : pair > other.pair;
        }
    };

    void add_special(const std::string& text) {
        if (text.empty())
            throw Error("a special token has no text",
                        "special token " + std::to_string(special_ids_.size() + 1) + " is ''",
                        "remove it or name it, for example " + std::string(end_of_text_token));
        if (!special_texts_.insert(text).second)
            throw Error("special token '" + text + "' is given twice", "each special token has one id",
                        "remove one of them");
        special_ids_.push_back(int32_t(tokens_.size()));
        tokens_.push_back(text);
    }

    void add_bytes() {
        std::vector<uint8_t> bytes(256);
        for (int byte = 0; byte < 256; ++byte) bytes[size_t(byte)] = uint8_t(byte);
        std::sort(bytes.begin(), bytes.end(),
                  [](uint8_t a, uint8_t b) { return byte_to_code_point(a) < byte_to_code_point(b); });
        for (const uint8_t byte : bytes) id_of_byte_[byte] = add_token(std::string(1, char(byte)));
    }

    // The id of these bytes; a new one unless another pair has produced them before.
    int32_t add_token(const std::string& bytes) {
        const auto [place, is_new] = id_of_bytes_.try_emplace(bytes, int32_t(tokens_.size()));
        if (!is_new) return place->second;
        if (const std::string spelt = bytes_to_alphabet(bytes); special_texts_.contains(spelt))
            throw Error("special token '" + spelt + "' is also a piece of ordinary text",
                        "it is frequent enough in the corpus to become a token, so any text could fake it",
                        "choose a name with brackets and bars, for example <|" + spelt + "|>");
        tokens_.push_back(bytes);
        return place->second;
    }

    void report() const {
        if (training_.progress) training_.progress(progress_);
    }

    void count_words(const TextSource& next) {
        const PieceCounter counter =
            count_pieces(next, training_.pattern, std::max(1, training_.threads), [&](CountingProgress counted) {
                progress_.texts = counted.texts;
                progress_.bytes = counted.bytes;
                report();
            });
        if (counter.distinct() == 0)
            throw Error("there is no text to train on",
                        progress_.texts == 1 ? "1 text was read, and it is empty"
                                             : std::to_string(progress_.texts) + " texts were read, all empty",
                        "check the input files");
        progress_.pieces = counter.distinct();
        for (const PieceCounter::Piece& piece : counter.sorted()) {
            if (piece.bytes.size() < 2) continue;
            CHECK(words_.counts.size() < UINT32_MAX && piece.bytes.size() < UINT32_MAX);
            const uint32_t word = uint32_t(words_.counts.size());
            words_.begins.push_back(words_.ids.size());
            words_.lengths.push_back(uint32_t(piece.bytes.size()));
            words_.counts.push_back(piece.count);
            for (const char byte : piece.bytes) words_.ids.push_back(id_of_byte_[uint8_t(byte)]);
            const int32_t* const ids = words_.ids.data() + words_.begins.back();
            for (size_t i = 0; i + 1 < piece.bytes.size(); ++i)
                pairs_.add(pair_of(ids[i], ids[i + 1]), piece.count, word);
        }
    }

    void queue_appeared_pairs() {
        for (const uint32_t index : pairs_.take_appeared()) {
            PairCounts::Entry& entry = pairs_[index];
            std::vector<uint32_t> words;
            words.swap(entry.new_words);
            if (entry.count <= 0) continue;
            words.shrink_to_fit();
            queue_.push_back({entry.count, entry.pair, index, std::move(words)});
            std::push_heap(queue_.begin(), queue_.end());
        }
    }

    // False if no pair is frequent enough.
    bool merge_most_frequent() {
        while (!queue_.empty()) {
            std::pop_heap(queue_.begin(), queue_.end());
            const int64_t count = pairs_[queue_.back().index].count;
            if (count != queue_.back().count) {  // stale: back to its proper position
                queue_.back().count = count;
                std::push_heap(queue_.begin(), queue_.end());
                continue;
            }
            const Candidate best = std::move(queue_.back());
            queue_.pop_back();
            if (best.count < std::max<int64_t>(1, training_.min_frequency)) return false;
            const int32_t left = left_of(best.pair), right = right_of(best.pair);
            const int32_t result = add_token(tokens_[size_t(left)] + tokens_[size_t(right)]);
            merges_.push_back({left, right, result});
            for (const uint32_t word : best.words) merge_in_word(word, merges_.back());
            queue_appeared_pairs();
            return true;
        }
        return false;
    }

    // Replaces the pair from left to right and updates the counts of adjacent pairs. The merged pair's own count does
    // not change: a second candidate of the same pair is merged right after the first, with its words.
    void merge_in_word(uint32_t word, const Merge& merge) {
        int32_t* const ids = words_.ids.data() + words_.begins[word];
        const int64_t count = words_.counts[word];
        const uint32_t length = words_.lengths[word];
        uint32_t kept = 0;
        for (uint32_t i = 0; i < length; ++kept) {
            if (i + 1 == length || ids[i] != merge.left || ids[i + 1] != merge.right) {
                ids[kept] = ids[i++];
                continue;
            }
            if (kept > 0) {
                pairs_.add(pair_of(ids[kept - 1], merge.left), -count, word);
                pairs_.add(pair_of(ids[kept - 1], merge.result), count, word);
            }
            if (i + 2 < length) {
                pairs_.add(pair_of(merge.right, ids[i + 2]), -count, word);
                pairs_.add(pair_of(merge.result, ids[i + 2]), count, word);
            }
            ids[kept] = merge.result;
            i += 2;
        }
        words_.lengths[word] = kept;
    }

    // A pair can be merged twice if the bytes of one of its tokens were produced in two ways: the later rank counts.
    TokenizerParts parts() const {
        TokenizerParts parts;
        parts.vocabulary = Vocabulary(tokens_, special_ids_);
        parts.pattern = training_.pattern;
        if (const auto end = parts.vocabulary.special_id(end_of_text_token)) parts.opening = {*end};
        std::set<uint64_t> later;
        for (auto merge = merges_.rbegin(); merge != merges_.rend(); ++merge)
            if (later.insert(pair_of(merge->left, merge->right)).second) parts.merges.push_back(*merge);
        std::reverse(parts.merges.begin(), parts.merges.end());
        return parts;
    }

    const BpeTraining& training_;
    BpeTrainingProgress progress_;
    std::vector<std::string> tokens_;
    std::vector<int32_t> special_ids_;
    std::set<std::string> special_texts_;
    std::unordered_map<std::string, int32_t> id_of_bytes_;
    int32_t id_of_byte_[256] = {};
    Words words_;
    PairCounts pairs_;
    std::vector<Candidate> queue_;  // a heap
    std::vector<Merge> merges_;
};

}  // namespace

Tokenizer train_bpe(const TextSource& next, const BpeTraining& training) {
    return Tokenizer(Trainer(training).train(next));
}

}  // namespace gradus
