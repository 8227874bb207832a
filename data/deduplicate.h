#pragma once
// Exact deduplication: two documents are the same when their texts differ in white space only. The first one stays.
//
// A text is remembered by the 128 bits of XXH3 over its words joined by single spaces: 16 bytes a document, and with
// 10^10 documents the chance that any two different ones collide is 10^20 / 2^129 ≈ 1.5e-19.
// Source: xxHash, https://github.com/Cyan4973/xxHash (doc/xxhash_spec.md).
#include <cstdint>
#include <string_view>
#include <unordered_set>

namespace gradus {

struct Fingerprint {
    uint64_t low = 0, high = 0;
    bool operator==(const Fingerprint&) const = default;
};

Fingerprint fingerprint(std::string_view text);  // a pure function: for the worker threads

class Deduplicator {
public:
    // True when no text with this fingerprint was seen before.
    bool is_new(const Fingerprint& print) { return seen_.insert(print).second; }

private:
    struct Hash {
        size_t operator()(const Fingerprint& print) const { return size_t(print.low); }
    };
    std::unordered_set<Fingerprint, Hash> seen_;
};

}  // namespace gradus
