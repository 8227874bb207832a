#pragma once
// Limits that several sections share.
namespace gradus {

inline constexpr double largest_count = 1e15;      // of steps
inline constexpr double largest_length = 1 << 24;  // of a sequence or a vocabulary

}  // namespace gradus
