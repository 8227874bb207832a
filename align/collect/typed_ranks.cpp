#include "align/collect/typed_ranks.h"

#include <algorithm>
#include <set>

namespace gradus {

std::string problem_of_ranks(std::span<const int> ranks, size_t answers) {
    if (ranks.size() != answers)
        return "there are " + std::to_string(ranks.size()) + " ranks for " + std::to_string(answers) + " answers";
    for (int rank : ranks)
        if (rank < 1 || rank > int(answers))
            return "a rank is " + std::to_string(rank) + ", where 1 to " + std::to_string(answers) + " can be";
    return "";
}

std::vector<int> without_gaps(std::span<const int> ranks) {
    const std::set<int> used(ranks.begin(), ranks.end());
    std::vector<int> dense;
    for (int rank : ranks) dense.push_back(1 + int(std::distance(used.begin(), used.find(rank))));
    return dense;
}

TypedRanks ranks_from_text(std::string_view text, size_t answers) {
    TypedRanks typed{std::vector<int>(answers, 0), ""};
    int rank = 0;
    bool tie = false;
    for (size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '=') {
            if (rank == 0 || tie) return {{}, "'=' stands between two answers"};
            tie = true;
            ++at;
            continue;
        }
        if (c == ' ' || c == '\t' || c == '\r' || c == ',' || c == '>') {
            ++at;
            continue;
        }
        size_t digits = 0, answer = 0;
        for (; at + digits < text.size() && digits < 6 && text[at + digits] >= '0' && text[at + digits] <= '9';
             ++digits)
            answer = 10 * answer + size_t(text[at + digits] - '0');
        if (digits == 0) return {{}, "there are numbers of answers, '=', '>' and spaces, and nothing else"};
        if (answer < 1 || answer > answers)
            return {{}, "there is no answer " + std::to_string(answer) + ", but 1 to " + std::to_string(answers)};
        if (typed.ranks[answer - 1] != 0) return {{}, "answer " + std::to_string(answer) + " occurs twice"};
        rank += tie ? 0 : 1;
        tie = false;
        typed.ranks[answer - 1] = rank;
        at += digits;
    }
    if (tie) return {{}, "'=' stands between two answers"};
    for (size_t i = 0; i < answers; ++i)
        if (typed.ranks[i] == 0) return {{}, "answer " + std::to_string(i + 1) + " is missing"};
    return typed;
}

}  // namespace gradus
