#pragma once
// "did you mean": the nearest of a list of names to a mistyped one.
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// Insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b);

// The name nearest to `word`, or "" when none is near enough to be what was meant. A name that ends in ".word" counts
// as near: `lr` means `optimizer.lr`. In a word of three letters or fewer another letter makes another word: `gpu` is not
// `cpu`.
std::string nearest_name(std::string_view word, const std::vector<std::string>& names);

// What a thing is called elsewhere, in small letters and with underscores, and its name here.
struct Synonym {
    std::string_view word, name;
};
// The name that the word stands for by the list, in capital or small letters, with - or _; "" if it is not there.
std::string name_by_synonym(std::string_view word, std::span<const Synonym> synonyms);

}  // namespace gradus
