#pragma once
// Praise on demand: a language small enough for its true utility to be a formula, so that every stage of alignment can be held
// against it.
//
// 32 ids. A prompt is BOS topic SEP; an answer alternates function words and content words of the topic, positive or negative, and
// ends with EOS within 24 ids. Demonstrations are 2 to 8 pairs, positive as often as negative, no content word twice in a row.
//
//   utility  g = distinct positive words of the topic − negative words − ½·violations of the grammar − 2·[no EOS]      ≤ 4
//
// A simulated rater ranks answers by g plus Gumbel noise, which is the Plackett–Luce model of a person. Nothing that trains sees g.
#include <cstdint>
#include <vector>

#include "align/reward/reward_trainer.h"
#include "align/rollouts/rollout.h"

namespace gradus::experiments {

constexpr int32_t bos = 1, eos = 2, sep = 3, first_topic = 4, first_positive = 8, first_negative = 16,
                  first_function = 24;
constexpr int topics = 4, longest_answer = 24;

std::vector<int32_t> sentiment_prompt(int topic);
Sequence demonstration(uint64_t seed, int64_t sample);

struct Utility {
    double gold = 0;
    int positives = 0, negatives = 0, violations = 0;
    bool ended = false;
};
Utility utility_of(const Rollout&);

// The ranks that the rater gives, 1 the best.
std::vector<int> rank_by_noisy_utility(const std::vector<Rollout>&, uint64_t seed);

// Prompts of all topics in turn.
std::vector<std::vector<int32_t>> sentiment_prompts(int count);

}  // namespace gradus::experiments
