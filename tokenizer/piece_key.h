#pragma once
// Short pieces as two machine words, so that comparing and hashing takes a few instructions.
#include <xxhash.h>

#include <array>
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

namespace piece_masks {

constexpr std::array<uint64_t, 16> of_half(int first) {
    std::array<uint64_t, 16> masks{};
    for (int length = 0; length < 16; ++length)
        for (int i = 0; i < 8; ++i)
            if (first + i < length) masks[size_t(length)] |= uint64_t(0xFF) << (8 * i);
    return masks;
}
inline constexpr std::array<uint64_t, 16> low = of_half(0), high = of_half(8);

}  // namespace piece_masks

// The key of [at, at + length), length <= longest_short_piece; bytes before `end` may be read.
inline PieceKey short_piece_key(const char* at, size_t length, const char* end) {
    PieceKey key;
    if (end - at >= 16) {
        std::memcpy(&key, at, 16);
        key.low &= piece_masks::low[length];
        key.high &= piece_masks::high[length];
    } else {
        std::memcpy(&key, at, length);
    }
    key.high |= uint64_t(length) << 56;
    return key;
}

// Both ends of the result are well mixed; tables use the low bits. The two halves of a product, as in wyhash.
inline uint64_t hash_piece_key(PieceKey key) {
    const unsigned __int128 product =
        (unsigned __int128)(key.low ^ 0x9E3779B97F4A7C15) * (key.high ^ 0xC2B2AE3D27D4EB4F);
    return uint64_t(product) ^ uint64_t(product >> 64);
}

// A hash of any piece; for a short piece equal to hash_piece_key of its key.
inline uint64_t hash_piece(std::string_view piece) {
    if (piece.size() <= longest_short_piece)
        return hash_piece_key(short_piece_key(piece.data(), piece.size(), piece.data() + piece.size()));
    return XXH3_64bits(piece.data(), piece.size());
}

}  // namespace gradus
