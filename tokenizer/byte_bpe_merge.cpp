// Byte-pair encoding of one piece: merges the best pair repeatedly, found by a scan or with a heap.
#include <algorithm>
#include <functional>
#include <queue>
#include <string>

#include "engine/base/error.h"
#include "tokenizer/byte_bpe.h"

namespace gradus {

namespace {

constexpr size_t longest_scan = 64;  // bytes; for longer pieces the heap is faster

}  // namespace

void ByteBpe::merge_piece(std::string_view piece, std::vector<int32_t>& out) const {
    for (size_t begin = 0, end = 0; begin < piece.size(); begin = end) {
        end = piece.size() <= longest_scan ? piece.size() : part_end(piece, begin);
        merge_part(piece.substr(begin, end - begin), out);
    }
}

void ByteBpe::merge_part(std::string_view part, std::vector<int32_t>& out) const {
    if (part.size() <= longest_scan) merge_short(part, out);
    else merge_long(part, out);
}

// The end of the part of the piece that starts at `begin`; the merges of different parts are independent.
size_t ByteBpe::part_end(std::string_view piece, size_t begin) const {
    size_t end = begin + 1;
    while (end < piece.size() && !breaks_.at(piece, end)) {
        if (++end - begin > longest_part)
            throw Error("a text has more than " + std::to_string(longest_part) + " bytes without a break",
                        "byte-pair encoding needs many times its size in memory for such a piece",
                        "break the text into words or lines, or remove it");
    }
    return end;
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
        const size_t best = size_t(std::min_element(ranks, ranks + count - 1) - ranks);  // the leftmost of equal ranks
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

// A linked list of tokens, and a heap of candidate pairs. A heap entry is stale if the pair at its position has another
// rank by now; since tokens only grow, a pair never returns to a position that it has left.
void ByteBpe::merge_long(std::string_view part, std::vector<int32_t>& out) const {
    constexpr uint32_t none = UINT32_MAX;  // positions have 32 bits: half the memory
    static_assert(longest_part < none);
    struct Link {
        int32_t id;
        uint32_t previous, next;
    };
    struct Candidate {
        uint32_t rank, at;
        bool operator>(const Candidate& other) const { return rank != other.rank ? rank > other.rank : at > other.at; }
    };
    const uint32_t size = uint32_t(part.size());
    std::vector<Link> links(size);
    for (uint32_t i = 0; i < size; ++i)
        links[i] = {id_of_byte_[uint8_t(part[i])], i == 0 ? none : i - 1, i + 1 == size ? none : i + 1};

    std::vector<Candidate> candidates;
    candidates.reserve(size);
    for (uint32_t i = 0; i + 1 < size; ++i)
        if (const uint32_t rank = rank_of_two_bytes_[256 * size_t(uint8_t(part[i])) + uint8_t(part[i + 1])];
            rank != no_rank)
            candidates.push_back({rank, i});
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> heap(std::greater<>(),
                                                                                std::move(candidates));
    const auto offer = [&](uint32_t at) {
        if (at == none || links[at].next == none) return;
        const uint32_t rank = rank_of(links[at].id, links[links[at].next].id);
        if (rank != no_rank) heap.push({rank, at});
    };

    constexpr int32_t swallowed = -1;
    while (!heap.empty()) {
        const Candidate best = heap.top();
        heap.pop();
        Link& left = links[best.at];
        if (left.id == swallowed || left.next == none) continue;
        Link& right = links[left.next];
        if (rank_of(left.id, right.id) != best.rank) continue;
        left.id = result_of_rank_[best.rank];
        right.id = swallowed;
        left.next = right.next;
        if (left.next != none) links[left.next].previous = best.at;
        offer(left.previous);
        offer(best.at);
    }
    for (uint32_t at = 0; at != none; at = links[at].next) out.push_back(links[at].id);
}

}  // namespace gradus
