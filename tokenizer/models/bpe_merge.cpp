// Byte-pair encoding: the best pair by a scan or with a heap.
#include "tokenizer/models/bpe_merge.h"

#include <algorithm>
#include <queue>

#include "engine/base/error.h"

namespace gradus {

// tokens[i] and tokens[i + 1] have rank ranks[i].
size_t merge_by_scan(const PairRanks& pairs, ModelToken* tokens, size_t count) {
    CHECK(count <= longest_merge_scan);
    uint32_t ranks[longest_merge_scan];
    int32_t results[longest_merge_scan];
    const auto look_up = [&](size_t i) {
        const PairRanks::Found found = pairs.find(tokens[i].id, tokens[i + 1].id);
        ranks[i] = found.rank;
        results[i] = found.result;
    };
    for (size_t i = 0; i + 1 < count; ++i) look_up(i);
    while (count > 1) {
        const size_t best = size_t(std::min_element(ranks, ranks + count - 1) - ranks);  // the leftmost of equal ranks
        if (ranks[best] == PairRanks::no_rank) break;
        tokens[best] = {results[best], tokens[best].begin, tokens[best + 1].end};
        std::copy(tokens + best + 2, tokens + count, tokens + best + 1);
        std::copy(ranks + best + 1, ranks + count - 1, ranks + best);
        std::copy(results + best + 1, results + count - 1, results + best);
        --count;
        if (best > 0) look_up(best - 1);
        if (best + 1 < count) look_up(best);
    }
    return count;
}

// A linked list of tokens, and a heap of candidates: rank in the high half, place in the low one. A candidate is stale
// if the pair at its place has another rank by now; since tokens only grow, a pair never returns to a place that it has
// left.
size_t merge_by_heap(const PairRanks& pairs, ModelToken* tokens, size_t count, const std::function<bool()>& pass_over) {
    constexpr uint32_t none = UINT32_MAX;
    constexpr int32_t swallowed = INT32_MIN;
    CHECK(count < none);
    std::vector<uint32_t> next(count), previous(count);
    std::vector<uint64_t> initial;
    for (uint32_t i = 0; i < count; ++i) {
        next[i] = i + 1 == count ? none : i + 1;
        previous[i] = i == 0 ? none : i - 1;
        if (i + 1 == count) break;
        if (const uint32_t rank = pairs.find(tokens[i].id, tokens[i + 1].id).rank; rank != PairRanks::no_rank)
            initial.push_back(uint64_t(rank) << 32 | i);
    }
    std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> heap(std::greater<>(), std::move(initial));
    const auto offer = [&](uint32_t at) {
        if (at == none || next[at] == none) return;
        const uint32_t rank = pairs.find(tokens[at].id, tokens[next[at]].id).rank;
        if (rank != PairRanks::no_rank) heap.push(uint64_t(rank) << 32 | at);
    };
    std::vector<uint64_t> passed_over;
    while (!heap.empty()) {
        const uint64_t best = heap.top();
        heap.pop();
        if (pass_over) {
            if (pass_over()) {
                passed_over.push_back(best);
                continue;
            }
            for (const uint64_t candidate : passed_over) heap.push(candidate);
            passed_over.clear();
        }
        const uint32_t at = uint32_t(best), after = next[at];
        if (tokens[at].id == swallowed || after == none) continue;
        const PairRanks::Found found = pairs.find(tokens[at].id, tokens[after].id);
        if (found.rank != uint32_t(best >> 32)) continue;
        tokens[at].id = found.result;
        tokens[at].end = tokens[after].end;
        tokens[after].id = swallowed;
        next[at] = next[after];
        if (next[at] != none) previous[next[at]] = at;
        offer(previous[at]);
        offer(at);
    }
    return size_t(std::remove_if(tokens, tokens + count, [](const ModelToken& t) { return t.id == swallowed; }) -
                  tokens);
}

}  // namespace gradus
