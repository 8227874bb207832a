// Unigram: the model's tables, and the best way by Viterbi's algorithm.
#include "tokenizer/models/unigram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/error.h"
#include "tokenizer/models/unigram_edges.h"

namespace gradus {

namespace {

constexpr double unknown_penalty = 10;

Joints joints_of(const std::vector<DoubleArray::Entry>& tokens) {
    std::vector<Joints::Pair> pairs;
    for (const DoubleArray::Entry& token : tokens)
        if (!append_pairs_of(token.key, pairs)) return Joints();
    return Joints(pairs);
}

void check_ids(const std::vector<int32_t>& ids, size_t size) {
    for (const int32_t id : ids)
        if (id < 0 || size_t(id) >= size)
            throw Error("the unigram model has no token " + std::to_string(id),
                        "it has " + std::to_string(size) + " tokens", "copy the tokenizer again from its source");
}

}  // namespace

UnigramModel::UnigramModel(const parts::Unigram& parts, const TokenNames& names, const UnigramRules& rules)
    : single_precision_(rules.single_precision),
      byte_fallback_(parts.byte_fallback),
      unknown_(parts.unknown),
      scores_(parts.scores),
      names_(ids_of_names(names)),
      id_of_byte_(ids_of_bytes(names_)),
      owner_(WordCache::new_owner()) {
    if (scores_.size() > names.size())
        throw Error("the unigram model has more scores than tokens",
                    std::to_string(scores_.size()) + " scores, " + std::to_string(names.size()) + " tokens",
                    "copy the tokenizer again from its source");
    for (size_t id = 0; id < scores_.size(); ++id)
        if (!std::isfinite(scores_[id]))
            throw Error("the score of the token '" + names[id] + "' is not a finite number",
                        "the unigram model adds the scores of tokens", "copy the tokenizer again from its source");
    check_ids(rules.never_in_text, scores_.size());
    check_ids(rules.user_defined, scores_.size());
    if (unknown_) check_ids({*unknown_}, scores_.size());

    enum : char { normal, never, user };
    std::vector<char> kinds(scores_.size(), normal);
    for (const int32_t id : rules.never_in_text) kinds[size_t(id)] = never;
    for (const int32_t id : rules.user_defined) kinds[size_t(id)] = user;
    double lowest = std::numeric_limits<float>::max(), highest = std::numeric_limits<float>::min();
    std::vector<DoubleArray::Entry> tokens;
    for (size_t id = 0; id < scores_.size(); ++id) {
        if (kinds[id] == never) continue;
        tokens.push_back({names[id], int32_t(id)});
        if (kinds[id] == user) continue;
        lowest = std::min(lowest, scores_[id]);
        highest = std::max(highest, scores_[id]);
    }
    // As SentencePiece computes it: the product in f32.
    for (const int32_t id : rules.user_defined)
        scores_[size_t(id)] = double(float(names[size_t(id)].size()) * float(highest)) - 0.1;
    unknown_score_ = rounded(lowest - unknown_penalty);
    largest_score_ = std::abs(unknown_score_);
    for (const double score : scores_) largest_score_ = std::max(largest_score_, std::abs(score));
    joints_ = joints_of(tokens);
    ids_ = DoubleArray(std::move(tokens));
}

// Appends the edges of the best way (id -1 for unknown characters), whose places are relative to the word.
UnigramModel::Word UnigramModel::best_way(std::string_view word, double before, std::vector<ModelToken>& out) const {
    thread_local std::vector<Best> best;
    best.assign(word.size() + 1, Best{});
    best[0].score = before;
    constexpr double infinite = std::numeric_limits<double>::infinity();
    for (size_t begin = 0; begin < word.size(); begin += char_length(word, begin)) {
        const double so_far = best[begin].score;
        for_each_edge(word, begin, [&](size_t end, int32_t id, double score) {
            Best& target = best[end];
            const double sum = rounded(score + so_far);
            if (target.begin == none) {
                target = {sum, -infinite, uint32_t(begin), id};
            } else if (sum > target.score) {
                target = {sum, target.score, uint32_t(begin), id};
            } else {
                target.second = std::max(target.second, sum);
            }
        });
    }
    Word result = {best[word.size()].score, infinite, false};
    const size_t first = out.size();
    for (uint32_t end = uint32_t(word.size()); end > 0; end = best[end].begin) {
        out.push_back({best[end].id, best[end].begin, end});
        result.margin = std::min(result.margin, best[end].score - best[end].second);
        result.has_unknown |= is_unknown(best[end].id);
    }
    std::reverse(out.begin() + ptrdiff_t(first), out.end());
    return result;
}

void UnigramModel::encode(std::string_view piece, std::vector<ModelToken>& out) const {
    CHECK(piece.size() < none);
    Output output(*this, piece);
    const auto append = [&](int32_t id, uint32_t begin, uint32_t end) { out.push_back({id, begin, end}); };
    thread_local std::vector<ModelToken> edges;
    double score = 0;
    for (size_t begin = 0; begin < piece.size();) {
        const size_t end = joints_.part_end(piece, begin);
        edges.clear();
        score = best_way(piece.substr(begin, end - begin), score, edges).score;
        for (const ModelToken& edge : edges)
            output.add(edge.id, uint32_t(begin) + edge.begin, uint32_t(begin) + edge.end, append);
        begin = end;
    }
    output.finish(append);
}

// Whether rounding cannot change the decisions of a word: a sum of n numbers below `size` is off by n · size · epsilon
// at most, and two of them are compared. Twice that leaves room for the rounding of the margin itself.
bool UnigramModel::is_certain(float margin, size_t bytes, double before) const {
    const double epsilon = single_precision_ ? 0x1p-24 : 0x1p-53;
    const double size = std::abs(before) + double(bytes + 1) * largest_score_;
    return double(margin) > 4 * double(bytes + 1) * size * epsilon;
}

void UnigramModel::encode(std::string_view piece, std::vector<int32_t>& out) const {
    CHECK(piece.size() < none);
    WordCache& cache = WordCache::of_this_thread();
    Output output(*this, piece);
    IdBuffer buffer(out);
    const auto append = [&](int32_t id, uint32_t, uint32_t) { buffer.append(id); };
    thread_local std::vector<ModelToken> edges;
    double score = 0;
    for (size_t begin = 0, end; begin < piece.size(); begin = end) {
        end = joints_.part_end(piece, begin);
        const std::string_view word = piece.substr(begin, end - begin);
        const bool is_short = word.size() <= WordCache::longest_word;
        WordCache::Key key;
        if (is_short) {
            key = WordCache::Key(word);
            const WordCache::Slot* slot = cache.find(key, word.size(), owner_);
            if (slot && (score == 0 || is_certain(slot->margin, word.size(), score))) {
                output.finish(append);
                buffer.append(*slot);
                if (end < piece.size())
                    for (int i = 0; i < slot->count; ++i) score = rounded(scores_[size_t(slot->ids[i])] + score);
                continue;
            }
        }
        edges.clear();
        const bool from_zero = score == 0;
        const Word way = best_way(word, score, edges);
        score = way.score;
        for (const ModelToken& edge : edges)
            output.add(edge.id, uint32_t(begin) + edge.begin, uint32_t(begin) + edge.end, append);
        if (!is_short || way.has_unknown || edges.size() > size_t(WordCache::max_ids)) continue;
        // A way that was decided by the rounding of this sum is not that of others.
        if (!from_zero && !is_certain(float(way.margin), word.size(), score)) continue;
        int32_t ids[WordCache::max_ids];
        for (size_t i = 0; i < edges.size(); ++i) ids[i] = edges[i].id;
        cache.insert(key, word.size(), owner_, ids, edges.size()).margin = float(way.margin);
    }
    output.finish(append);
    buffer.flush();
}

}  // namespace gradus
