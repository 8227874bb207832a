#pragma once
// "did you mean": the nearest of a list of names to a mistyped one.
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// Insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b);

// The name nearest to `word`, or "" when none is near enough. A name that ends in ".word" counts as near: `lr` means
// `optimizer.lr`. Words of at most three letters are not matched by replacing a letter: `gpu` is not a mistyped `cpu`.
std::string nearest_name(std::string_view word, const std::vector<std::string>& names);

// A name that other programs use, in lower case with underscores, and the name here.
struct Synonym {
    std::string_view word, name;
};
// The name for a synonym, ignoring case and the difference between - and _; "" if it is not in the list.
std::string name_by_synonym(std::string_view word, std::span<const Synonym> synonyms);

}  // namespace gradus
