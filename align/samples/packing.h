#pragma once
// Packs samples into rows of a context: best-fit decreasing.
//
// The samples are placed from the longest to the shortest, each into the row in which it leaves the least room, or into
// a new one. Rows are then full to a few ids in a hundred, and no sample is cut. At most 11/9 of the fewest rows
// possible plus 1.
// Source: Johnson, "Near-optimal bin packing algorithms", 1973; Ding et al., "Fewer truncations improve language
// modeling", 2024 (arXiv:2404.10830).
#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

// rows[r]: the samples of row r, in the order of placement. lengths[i] ≤ context; of equal lengths the first comes
// first.
std::vector<std::vector<int32_t>> pack_best_fit(std::span<const int32_t> lengths, int context);

}  // namespace gradus
