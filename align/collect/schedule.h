#pragma once
// Who judges what, and in which order a person sees the answers: pure functions of the seed.
//
// Every rater goes through the prompts in the same random order. At a share `overlap` of the places, spread evenly, the
// prompt is for every rater: on these the raters' agreement is measured. Every other prompt is for one rater.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gradus {

struct RankSchedule {
    uint64_t seed = 1;
    double overlap = 0.2;

    // The prompts 0 … n−1 in the order of their places.
    std::vector<size_t> order_of_prompts(size_t n) const;
    // ⌊(place + 1)·overlap⌋ > ⌊place·overlap⌋: the first m places have ⌊m·overlap⌋ shared prompts.
    bool is_shared(size_t place) const;

    // order[i] is the index of the answer that is shown at place i. It differs between raters and prompts, so that a
    // preference for the first place favours no answer.
    std::vector<int> order_of_answers(const std::string& rater, uint64_t prompt_identity, size_t answers) const;
};

// Ranks by place as ranks by answer: result[order[i]] = shown[i].
std::vector<int> ranks_of_answers(std::span<const int> shown, std::span<const int> order);

}  // namespace gradus
