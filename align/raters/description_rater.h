#pragma once
// A simulated rater, for demonstrations and tests of the whole chain: a program that stands in for people and says so. What it
// likes is known, so that what training makes of its rankings can be held against it.
//
// It is asked what something is ("What is vim?") and likes an answer that
//
//   names     has the name that was asked for, letter for letter
//   ends      ends by itself instead of running into the limit
//   sentence  is one sentence: it ends with a full stop and has no line end and no other sentence
//   fresh     does not repeat itself: no word of four letters or more occurs twice
//
//   utility u = the number of these that hold, 0 to 4
//
// Rankings are by u plus noise of the Gumbel distribution with the scale s: answer i is preferred to j with the probability
// σ((u_i − u_j)/s), the Bradley–Terry model of a person. Every ranking that it makes is marked as simulated.
#include <cstdint>
#include <string>
#include <vector>

#include "align/template/message.h"

namespace gradus {

struct DescriptionUtility {
    bool names = false, ends = false, sentence = false, fresh = false;
    double total() const { return double(names) + double(ends) + double(sentence) + double(fresh); }
};

// The name that a question asks for: "vim" of "What is vim?"; empty: it asks for none.
std::string name_asked_for(const std::string& question);

DescriptionUtility utility_of_description(const std::string& question, const std::string& answer, bool ended);

// Ranks, 1 the best. `stream` numbers the ranking: its noise is its own.
std::vector<int> simulated_ranks(const std::vector<double>& utilities, double noise, uint64_t seed, uint64_t stream);

}  // namespace gradus
