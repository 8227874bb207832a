#pragma once
// Receive buffers of engine/comm_mpi's reductions: tensors are sent in pieces, and each group buffers a few pieces from
// each other rank.
//
//   bytes of a group of n ranks = (n − 1) · pieces_in_flight · piece_bytes(n)
//
// That is at most 64 MiB, unless pieces have their smallest size, 4 KiB.
#include <algorithm>
#include <cstddef>

namespace gradus {

inline constexpr int pieces_in_flight = 2;  // of one sender to one receiver

// 512 KiB, so that a piece stays in the caches while it is received and added; less in a group of many ranks.
constexpr size_t piece_bytes(int ranks) {
    constexpr size_t largest = size_t(512) << 10, smallest = 4096, all_pieces = size_t(64) << 20, alignment = 64;
    const size_t share = all_pieces / (size_t(ranks - 1) * pieces_in_flight);
    return std::max(smallest, std::min(largest, share) / alignment * alignment);
}

constexpr size_t receive_buffer_bytes(int ranks) {
    return ranks > 1 ? size_t(ranks - 1) * pieces_in_flight * piece_bytes(ranks) : 0;
}

}  // namespace gradus
