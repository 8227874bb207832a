// Byte-pair encoding: tables, and the loop over pieces.
#include "tokenizer/byte_bpe.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "engine/base/error.h"
#include "tokenizer/pair_key.h"

namespace gradus {

namespace {

uint32_t tag_of(uint64_t hash) { return uint32_t(hash >> 32); }

uint64_t next_identity() {
    static std::atomic<uint64_t> last{0};
    return ++last;
}

// Pieces of a round: their cache lines fit in the first-level cache.
constexpr size_t round_pieces = 256;

// The pieces of a round, and room for what a block of the scanner writes beyond them.
struct Round {
    uint32_t ends[round_pieces + least_room];
    PieceKey keys[round_pieces + least_room];  // empty: a longer piece
    uint64_t hashes[round_pieces + least_room];
};

// All ids of the slot, of which its `count` are kept: no branch on the count.
inline int32_t* append(const PieceCache::Slot& slot, int32_t* next) {
    std::memcpy(next, slot.ids, sizeof slot.ids);
    return next + slot.count;
}
inline int32_t* append(std::span<const int32_t> ids, int32_t* next) { return std::copy(ids.begin(), ids.end(), next); }

// Collects ids, because appending to a vector that may grow at each id is slow.
class RoundBuffer {
public:
    static constexpr size_t most_at_once = 64;

    explicit RoundBuffer(std::vector<int32_t>& out) : out_(out) {}

    int32_t* begin() { return ids_; }
    // The place for a round's ids.
    int32_t* make_room() {
        if (used_ > capacity) flush();
        return ids_ + used_;
    }
    void end_at(const int32_t* next) { used_ = size_t(next - ids_); }

    void flush() {
        out_.insert(out_.end(), ids_, ids_ + used_);
        used_ = 0;
    }

private:
    static constexpr size_t capacity = 2048;
    std::vector<int32_t>& out_;
    size_t used_ = 0;
    int32_t ids_[capacity + (round_pieces + least_room + 1) * most_at_once];
};

}  // namespace

ByteBpe::ByteBpe(const TokenizerParts& parts)
    : identity_(next_identity()),
      vocabulary_(parts.vocabulary),
      pattern_(parts.pattern),
      ignore_merges_(parts.ignore_merges) {
    std::fill(std::begin(id_of_byte_), std::end(id_of_byte_), -1);
    for (int32_t id = 0; id < vocabulary_.size(); ++id) {
        const std::string_view bytes = vocabulary_.bytes_of(id);
        if (bytes.size() == 1 && !vocabulary_.is_special(id)) id_of_byte_[uint8_t(bytes[0])] = id;
    }
    CHECK(std::find(std::begin(id_of_byte_), std::end(id_of_byte_), -1) == std::end(id_of_byte_));
    build_pair_table(parts);
    for (const Merge& merge : parts.merges) breaks_.add_token(vocabulary_.bytes_of(merge.result));
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

// A longer piece that is not cached is cut where no merge crosses, so that most of its parts are short and cached.
void ByteBpe::encode_long(std::string_view piece, uint64_t hash, PieceCache& cache, std::vector<int32_t>& out) const {
    const size_t before = out.size();
    encode_parts(piece, hash, cache, out);
    cache.longer_pieces.insert(piece, hash, std::span<const int32_t>(out).subspan(before));
}

void ByteBpe::encode_parts(std::string_view piece, uint64_t hash, PieceCache& cache, std::vector<int32_t>& out) const {
    if (const int32_t id = whole_token(piece, hash); id >= 0) {
        out.push_back(id);
        return;
    }
    if (ignore_merges_) return merge_piece(piece, out);  // only a whole piece becomes the token that it is
    for (size_t begin = 0, end = 0; begin < piece.size(); begin = end) {
        end = part_end(piece, begin);
        const std::string_view part = piece.substr(begin, end - begin);
        if (part.size() > longest_short_piece) {
            merge_part(part, out);
            continue;
        }
        const PieceKey key = short_piece_key(part.data(), part.size(), piece.data() + piece.size());
        encode_short(part, key, hash_piece_key(key), cache, out);
    }
}

void ByteBpe::encode_short(std::string_view piece, PieceKey key, uint64_t hash, PieceCache& cache,
                           std::vector<int32_t>& out) const {
    const PieceCache::Slot& slot = cache.view().slot(key, hash);
    if (slot.key == key) {
        const std::span<const int32_t> ids = cache.ids(slot);
        out.insert(out.end(), ids.begin(), ids.end());
        return;
    }
    const size_t before = out.size();
    encode_uncached(piece, hash, out);
    cache.insert(key, hash, std::span<const int32_t>(out).subspan(before));
}

void ByteBpe::encode(std::string_view text, std::vector<int32_t>& out) const {
    PieceCache& cache = PieceCache::of_this_thread(identity_);
    if (out.capacity() - out.size() < text.size() / 4)  // most text has more bytes per id; growth stays geometric
        out.reserve(std::max(out.capacity() * 2, out.size() + text.size() / 3));
    const char* const end = text.data() + text.size();
    Round round;
    RoundBuffer buffer(out);
    for (const char* at = text.data(); at < end;) {
        const ScannedPieces found = scan_pieces(pattern_, at, end, round.ends, round_pieces + least_room);
        PieceCache::View view = cache.view();
        uint32_t begin = 0;
        for (size_t i = 0; i < found.count; ++i) {
            const uint32_t length = round.ends[i] - begin;
            if (length <= longest_short_piece) [[likely]] {
                round.keys[i] = short_piece_key(at + begin, length, end);
                round.hashes[i] = hash_piece_key(round.keys[i]);
                view.prefetch(round.hashes[i]);
            } else {
                round.keys[i] = PieceKey{};
                round.hashes[i] = hash_piece({at + begin, length});
                cache.longer_pieces.prefetch(round.hashes[i]);
            }
            begin = round.ends[i];
        }
        int32_t* next = buffer.make_room();
        begin = 0;
        for (size_t i = 0; i < found.count; ++i) {
            const PieceCache::Slot& slot = view.slot(round.keys[i], round.hashes[i]);
            const std::string_view piece(at + begin, round.ends[i] - begin);
            begin = round.ends[i];
            if (slot.key == round.keys[i] && slot.count > 0) [[likely]] {
                if (slot.count <= PieceCache::ids_of_slot) [[likely]]
                    next = append(slot, next);
                else next = append(cache.ids(slot), next);
                continue;
            }
            if (piece.size() > longest_short_piece) {
                const std::span<const int32_t> ids = cache.longer_pieces.find(piece, round.hashes[i]);
                if (!ids.empty() && ids.size() <= RoundBuffer::most_at_once) {
                    next = append(ids, next);
                    continue;
                }
            }
            buffer.end_at(next);
            buffer.flush();
            if (piece.size() > longest_short_piece) encode_long(piece, round.hashes[i], cache, out);
            else encode_short(piece, round.keys[i], round.hashes[i], cache, out);
            view = cache.view();
            next = buffer.begin();
        }
        buffer.end_at(next);
        at = found.end;
    }
    buffer.flush();
}

}  // namespace gradus
