#pragma once
// Short pieces as two machine words, so that comparing and hashing takes a few instructions.
#include <xxhash.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gradus {

static_assert(std::endian::native == std::endian::little, "piece keys are masked as little-endian words");

// Up to 15 bytes, zero-padded, with the length in the last byte: the key of an empty piece is all zero and means
// "empty".
struct PieceKey {
    uint64_t low = 0, high = 0;
    bool operator==(const PieceKey&) const = default;
};

inline constexpr size_t longest_short_piece = 15;

// The key of [at, at + length), length <= longest_short_piece; bytes before `end` may be read.
inline PieceKey short_piece_key(const char* at, size_t length, const char* end) {
    PieceKey key;
    if (end - at >= 16) {
        std::memcpy(&key, at, 16);
        const unsigned low_bits = unsigned(length < 8 ? length : 8) * 8, high_bits = unsigned(length) * 8 - low_bits;
        key.low &= low_bits == 64 ? ~uint64_t(0) : (uint64_t(1) << low_bits) - 1;
        key.high &= (uint64_t(1) << high_bits) - 1;
    } else {
        std::memcpy(&key, at, length);
    }
    key.high |= uint64_t(length) << 56;
    return key;
}

// Both ends of the result are well mixed; tables use the low bits.
inline uint64_t hash_piece_key(PieceKey key) {
    uint64_t hash = key.low * 0x9E3779B97F4A7C15 + key.high * 0xC2B2AE3D27D4EB4F;
    hash ^= hash >> 32;
    hash *= 0xD6E8FEB86659FD93;
    return hash ^ hash >> 32;
}

// A hash of any piece; for a short piece equal to hash_piece_key of its key.
inline uint64_t hash_piece(std::string_view piece) {
    if (piece.size() <= longest_short_piece)
        return hash_piece_key(short_piece_key(piece.data(), piece.size(), piece.data() + piece.size()));
    return XXH3_64bits(piece.data(), piece.size());
}

}  // namespace gradus
