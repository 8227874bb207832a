#pragma once
// FNV-1a, 64 bits: a short hash for keys and digests, not for files (engine/checkpoint/checksum.h).
//
//   h = (h XOR byte) · 0x100000001b3 mod 2⁶⁴       for each byte, from fnv_start on
//
// Source: Fowler, Noll, Vo, Eastlake, "The FNV Non-Cryptographic Hash Algorithm".
#include <cstdint>

namespace gradus {

inline constexpr uint64_t fnv_start = 0xcbf29ce484222325u;

// One byte, or a wider unit hashed as one, which is faster and mixes less.
constexpr uint64_t fnv_step(uint64_t h, uint64_t unit) { return (h ^ unit) * 0x100000001b3u; }

// The lowest `bytes` bytes of a number, in little-endian order.
constexpr uint64_t fnv1a(uint64_t h, uint64_t number, int bytes = 8) {
    for (int i = 0; i < bytes; ++i) h = fnv_step(h, number >> (8 * i) & 0xff);
    return h;
}

}  // namespace gradus
