#pragma once
// Between which adjacent characters a token can reach: a text is split everywhere else, and its parts have the same
// tokens as the whole. A few pairs of characters count as joined though they are not, which only makes a part longer.
// Parts are short, about words, and repeat, so that they are cached.
#include <cstdint>
#include <string_view>
#include <vector>

namespace gradus {

class Joints {
public:
    struct Pair {
        char32_t before, after;
    };
    // Everything is joined.
    Joints() = default;
    // These pairs are joined.
    explicit Joints(const std::vector<Pair>& pairs);

    // The end of the part that begins at `begin`, which is less than text.size().
    size_t part_end(std::string_view text, size_t begin) const;

private:
    static constexpr uint32_t mark = 128, common = 129;  // the numbers of U+2581, and of how many characters
    size_t bit_of(char32_t before, char32_t after) const {
        const uint64_t hash = (uint64_t(before) << 32 | after) * 0x9E3779B97F4A7C15;
        return size_t(hash >> 32) & (64 * others_.size() - 1);
    }

    bool is_split_ = false;
    std::vector<uint8_t> joined_;   // [common * before + after]: ASCII and U+2581
    std::vector<uint64_t> others_;  // a bit for each pair, at its hash
};

// The pairs within a text that is UTF-8; false if it is not.
bool append_pairs_of(std::string_view text, std::vector<Joints::Pair>& pairs);

}  // namespace gradus
