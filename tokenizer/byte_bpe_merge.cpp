// Byte-pair encoding of one piece: repeatedly the best pair, found by a scan or by a heap.
#include <algorithm>
#include <functional>
#include <queue>

#include "tokenizer/byte_bpe.h"

namespace gradus {

namespace {

constexpr size_t longest_scan = 64;  // bytes; beyond, the heap wins

}  // namespace

void ByteBpe::merge_piece(std::string_view piece, std::vector<int32_t>& out) const {
    if (piece.size() <= longest_scan) merge_short(piece, out);
    else merge_long(piece, out);
}

// ids[i] and ids[i + 1] have rank ranks[i].
void ByteBpe::merge_short(std::string_view piece, std::vector<int32_t>& out) const {
    int32_t ids[longest_scan];
    uint32_t ranks[longest_scan];
    size_t count = piece.size();
    for (size_t i = 0; i < count; ++i) ids[i] = id_of_byte_[uint8_t(piece[i])];
    for (size_t i = 0; i + 1 < count; ++i)
        ranks[i] = rank_of_two_bytes_[256 * size_t(uint8_t(piece[i])) + uint8_t(piece[i + 1])];
    while (count > 1) {
        const size_t best = size_t(std::min_element(ranks, ranks + count - 1) - ranks);  // the leftmost of equals
        if (ranks[best] == no_rank) break;
        ids[best] = result_of_rank_[ranks[best]];
        std::copy(ids + best + 2, ids + count, ids + best + 1);
        std::copy(ranks + best + 1, ranks + count - 1, ranks + best);
        --count;
        if (best > 0) ranks[best - 1] = rank_of(ids[best - 1], ids[best]);
        if (best + 1 < count) ranks[best] = rank_of(ids[best], ids[best + 1]);
    }
    out.insert(out.end(), ids, ids + count);
}

// A linked list of parts, and a heap of pairs that were possible once. An entry is stale when the pair at its place has
// another rank by now; since a part only ever grows, no pair comes back to a place that it left.
void ByteBpe::merge_long(std::string_view piece, std::vector<int32_t>& out) const {
    constexpr size_t none = SIZE_MAX;
    struct Part {
        int32_t id;
        size_t previous, next;
    };
    struct Candidate {
        uint32_t rank;
        size_t at;
        bool operator>(const Candidate& other) const { return rank != other.rank ? rank > other.rank : at > other.at; }
    };
    std::vector<Part> parts(piece.size());
    for (size_t i = 0; i < parts.size(); ++i)
        parts[i] = {id_of_byte_[uint8_t(piece[i])], i == 0 ? none : i - 1, i + 1 == parts.size() ? none : i + 1};

    std::vector<Candidate> candidates;
    for (size_t i = 0; i + 1 < parts.size(); ++i)
        if (const uint32_t rank = rank_of_two_bytes_[256 * size_t(uint8_t(piece[i])) + uint8_t(piece[i + 1])];
            rank != no_rank)
            candidates.push_back({rank, i});
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> heap(std::greater<>(),
                                                                                std::move(candidates));
    const auto offer = [&](size_t at) {
        if (at == none || parts[at].next == none) return;
        const uint32_t rank = rank_of(parts[at].id, parts[parts[at].next].id);
        if (rank != no_rank) heap.push({rank, at});
    };

    constexpr int32_t swallowed = -1;
    while (!heap.empty()) {
        const Candidate best = heap.top();
        heap.pop();
        Part& left = parts[best.at];
        if (left.id == swallowed || left.next == none) continue;
        Part& right = parts[left.next];
        if (rank_of(left.id, right.id) != best.rank) continue;
        left.id = result_of_rank_[best.rank];
        right.id = swallowed;
        left.next = right.next;
        if (left.next != none) parts[left.next].previous = best.at;
        offer(left.previous);
        offer(best.at);
    }
    for (size_t at = 0; at != none; at = parts[at].next) out.push_back(parts[at].id);
}

}  // namespace gradus
