#pragma once
// The places of a piece that no merge crosses: what is before and after such a place can be encoded alone.
//
// A merge crosses a place only if its result does, and a result is a token: the text left of the place ends with a beginning of a
// token, and the text right of it begins with the rest. The table has, for each token and each of its inner places, up to two bytes on each
// side. It answers `no` too often, never `yes`: two bytes do not tell all, and the table is a hash table without keys.
#include <cstdint>
#include <string_view>
#include <vector>

namespace gradus {

class SafeBreaks {
public:
    SafeBreaks() : bits_(size_t(1) << (size_bits - 6), 0) {}

    void add_token(std::string_view token) {
        for (size_t place = 1; place < token.size(); ++place) {
            const uint64_t bit = bit_of(token, place, place > 1, token.size() - place > 1);
            bits_[bit / 64] |= uint64_t(1) << bit % 64;
        }
    }

    // Whether no token crosses the place before piece[place]; 0 < place < piece.size().
    bool at(std::string_view piece, size_t place) const {
        const bool left = place > 1, right = piece.size() - place > 1;
        return !(has(bit_of(piece, place, false, false)) || (left && has(bit_of(piece, place, true, false))) ||
                 (right && has(bit_of(piece, place, false, true))) ||
                 (left && right && has(bit_of(piece, place, true, true))));
    }

private:
    static constexpr int size_bits = 21;  // 256 KiB

    // two_left, two_right: whether two bytes count on this side, else one.
    static uint64_t bit_of(std::string_view text, size_t place, bool two_left, bool two_right) {
        const auto byte = [&](size_t i) { return uint64_t(uint8_t(text[i])); };
        uint64_t key = byte(place - 1) << 8 | byte(place) << 16 | uint64_t(two_left) << 32 | uint64_t(two_right) << 33;
        if (two_left) key |= byte(place - 2);
        if (two_right) key |= byte(place + 1) << 24;
        return key * 0x9E3779B97F4A7C15 >> (64 - size_bits);
    }
    bool has(uint64_t bit) const { return bits_[bit / 64] >> bit % 64 & 1; }

    std::vector<uint64_t> bits_;
};

}  // namespace gradus
