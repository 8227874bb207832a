#pragma once
// "did you mean": the nearest of a list of names to one that was mistyped.
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// Insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b);

// The name nearest to `word`, or "" when none is near enough to be what was meant. A name that ends in ".word" counts
// as near: `lr` means `optimizer.lr`.
std::string nearest_name(std::string_view word, const std::vector<std::string>& names);

}  // namespace gradus
