#pragma once
// Ranks as they come in from people: 1 is best, equal ranks are ties.
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// Why these are no ranks of that many answers: each must be from 1 to the number of answers. "" if they are.
std::string problem_of_ranks(std::span<const int> ranks, size_t answers);

// The same order without gaps: 1, 1, 3 → 1, 1, 2.
std::vector<int> without_gaps(std::span<const int> ranks);

// What a person types in a terminal: the numbers of the answers from the best to the worst, with "=" between equals: "2 1=3" or
// "2 > 1 = 3". Every answer occurs once.
struct TypedRanks {
    std::vector<int> ranks;  // of the answers 1, 2, …
    std::string problem;     // "" if the ranks are complete
};
TypedRanks ranks_from_text(std::string_view text, size_t answers);

}  // namespace gradus
