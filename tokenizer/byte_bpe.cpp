// Byte-pair encoding: tables, and the loop over pieces.
#include "tokenizer/byte_bpe.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "engine/base/error.h"
#include "tokenizer/gpt2_pattern.h"
#include "tokenizer/pair_key.h"
#include "tokenizer/piece_cache.h"

namespace gradus {

namespace {

uint32_t tag_of(uint64_t hash) { return uint32_t(hash >> 32); }

uint64_t next_identity() {
    static std::atomic<uint64_t> last{0};
    return ++last;
}

// Collects the output ids, because appending to a vector that may grow at each id is slow.
class IdBuffer {
public:
    explicit IdBuffer(std::vector<int32_t>& out) : out_(out) {}

    // Copies all ids of the slot and keeps `count` of them: no branch on the count.
    void append(const PieceCache::Slot& slot) {
        if (used_ > capacity) flush();
        std::copy_n(slot.ids, PieceCache::max_ids, ids_ + used_);
        used_ += size_t(slot.count);
    }

    void flush() {
        out_.insert(out_.end(), ids_, ids_ + used_);
        used_ = 0;
    }

private:
    static constexpr size_t capacity = 1024;
    std::vector<int32_t>& out_;
    size_t used_ = 0;
    int32_t ids_[capacity + 2 * PieceCache::max_ids];
};

}  // namespace

ByteBpe::ByteBpe(const TokenizerParts& parts) : identity_(next_identity()), vocabulary_(parts.vocabulary) {
    std::fill(std::begin(id_of_byte_), std::end(id_of_byte_), -1);
    for (int32_t id = 0; id < vocabulary_.size(); ++id) {
        const std::string_view bytes = vocabulary_.bytes_of(id);
        if (bytes.size() == 1 && !vocabulary_.is_special(id)) id_of_byte_[uint8_t(bytes[0])] = id;
    }
    CHECK(std::find(std::begin(id_of_byte_), std::end(id_of_byte_), -1) == std::end(id_of_byte_));
    build_pair_table(parts);
    build_joined_bytes(parts);
    build_token_table(parts);
}

void ByteBpe::build_pair_table(const TokenizerParts& parts) {
    pairs_.assign(std::bit_ceil(parts.merges.size() * 2 + 2), PairSlot{0, no_rank});
    result_of_rank_.reserve(parts.merges.size());
    for (uint32_t rank = 0; rank < parts.merges.size(); ++rank) {
        const Merge& merge = parts.merges[rank];
        const uint64_t pair = pair_of(merge.left, merge.right);
        size_t at = hash_pair(pair) & (pairs_.size() - 1);
        while (pairs_[at].rank != no_rank) {
            CHECK(pairs_[at].pair != pair);
            at = (at + 1) & (pairs_.size() - 1);
        }
        pairs_[at] = {pair, rank};
        result_of_rank_.push_back(merge.result);
    }
    rank_of_two_bytes_.resize(256 * 256);
    for (size_t left = 0; left < 256; ++left)
        for (size_t right = 0; right < 256; ++right)
            rank_of_two_bytes_[256 * left + right] = rank_of(id_of_byte_[left], id_of_byte_[right]);
}

void ByteBpe::build_joined_bytes(const TokenizerParts& parts) {
    joined_bytes_.assign(256 * 256, false);
    for (const Merge& merge : parts.merges) {
        const std::string_view bytes = vocabulary_.bytes_of(merge.result);
        for (size_t i = 0; i + 1 < bytes.size(); ++i)
            joined_bytes_[256 * size_t(uint8_t(bytes[i])) + uint8_t(bytes[i + 1])] = true;
    }
}

// The pieces that may skip the merges: those that the merges would turn into that one token anyway, or every token if
// the tokenizer ignores merges.
void ByteBpe::build_token_table(const TokenizerParts& parts) {
    tokens_.assign(std::bit_ceil(size_t(vocabulary_.size()) * 2 + 2), TokenSlot{0, -1});
    std::vector<int32_t> ids;
    for (int32_t id = 0; id < vocabulary_.size(); ++id) {
        const std::string_view bytes = vocabulary_.bytes_of(id);
        if (vocabulary_.is_special(id) || bytes.empty()) continue;
        if (!parts.ignore_merges) {
            ids.clear();
            merge_piece(bytes, ids);
            if (ids.size() != 1 || ids[0] != id) continue;
        }
        const uint64_t hash = hash_piece(bytes);
        size_t at = hash & (tokens_.size() - 1);
        while (tokens_[at].id >= 0) at = (at + 1) & (tokens_.size() - 1);
        tokens_[at] = {tag_of(hash), id};
    }
}

uint32_t ByteBpe::rank_of(int32_t left, int32_t right) const {
    const uint64_t pair = pair_of(left, right);
    size_t at = hash_pair(pair) & (pairs_.size() - 1);
    while (pairs_[at].rank != no_rank && pairs_[at].pair != pair) at = (at + 1) & (pairs_.size() - 1);
    return pairs_[at].rank;
}

int32_t ByteBpe::whole_token(std::string_view piece, uint64_t hash) const {
    for (size_t at = hash & (tokens_.size() - 1); tokens_[at].id >= 0; at = (at + 1) & (tokens_.size() - 1))
        if (tokens_[at].tag == tag_of(hash) && vocabulary_.bytes_of(tokens_[at].id) == piece) return tokens_[at].id;
    return -1;
}

void ByteBpe::encode_uncached(std::string_view piece, uint64_t hash, std::vector<int32_t>& out) const {
    const int32_t id = whole_token(piece, hash);
    if (id >= 0) out.push_back(id);
    else merge_piece(piece, out);
}

void ByteBpe::encode(std::string_view text, std::vector<int32_t>& out) const {
    PieceCache& cache = PieceCache::of_this_thread(identity_);
    const char* const end = text.data() + text.size();
    std::vector<int32_t> ids;
    IdBuffer buffer(out);
    for_each_gpt2_piece(text, [&](std::string_view piece) {
        if (piece.size() > longest_short_piece) {
            buffer.flush();
            encode_uncached(piece, hash_piece(piece), out);
            return;
        }
        const PieceKey key = short_piece_key(piece.data(), piece.size(), end);
        const uint64_t hash = hash_piece_key(key);
        PieceCache::Slot& slot = cache.slot(hash);
        if (!(slot.key == key)) {
            ids.clear();
            encode_uncached(piece, hash, ids);
            if (ids.size() > PieceCache::max_ids) {
                buffer.flush();
                out.insert(out.end(), ids.begin(), ids.end());
                return;
            }
            slot.key = key;
            slot.count = int32_t(ids.size());
            std::copy(ids.begin(), ids.end(), slot.ids);
        }
        buffer.append(slot);
    });
    buffer.flush();
}

}  // namespace gradus
