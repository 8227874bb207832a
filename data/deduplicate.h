#pragma once
// Exact deduplication: two documents are equal if their texts differ only in white space. The first one is kept.
//
// Each text is represented by the 128 bits of XXH3 over its words joined by single spaces: 16 bytes per document. With
// 10^10 documents the probability of any collision is 10^20 / 2^129 ≈ 1.5e-19.
// Source: xxHash, https://github.com/Cyan4973/xxHash (doc/xxhash_spec.md).
#include <cstdint>
#include <string_view>
#include <unordered_set>

namespace gradus {

struct TextHash {
    uint64_t low = 0, high = 0;
    bool operator==(const TextHash&) const = default;
};

TextHash text_hash(std::string_view text);  // a pure function, for worker threads

class Deduplicator {
public:
    // True if no text with this hash was seen before.
    bool is_new(const TextHash& hash) { return seen_.insert(hash).second; }

private:
    struct Hash {
        size_t operator()(const TextHash& hash) const { return size_t(hash.low); }
    };
    std::unordered_set<TextHash, Hash> seen_;
};

}  // namespace gradus
