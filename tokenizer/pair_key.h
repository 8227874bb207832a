#pragma once
// Two token ids as one number, with the same equality and order as the pair.
#include <cstdint>

namespace gradus {

inline uint64_t pair_of(int32_t left, int32_t right) { return uint64_t(uint32_t(left)) << 32 | uint32_t(right); }
inline int32_t left_of(uint64_t pair) { return int32_t(pair >> 32); }
inline int32_t right_of(uint64_t pair) { return int32_t(uint32_t(pair)); }

// For hash tables that use the low bits.
inline uint64_t hash_pair(uint64_t pair) {
    pair *= 0x9E3779B97F4A7C15;
    return pair ^ pair >> 32;
}

}  // namespace gradus
