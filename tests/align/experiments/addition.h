#pragma once
// Addition with bad teachers: a task whose reward is exact, and whose answer to training is known beforehand.
//
// 16 ids: ten digits, BOS, +, =, EOS. A prompt is BOS a a + b b =, two numbers of two digits; the answer is their sum, three digits
// with the ones first, and EOS. In half of the demonstrations one of the three digits is wrong. A model that has learnt the rule and
// the mistakes as they are is right in one half of its samples; one that has learnt the chance of a mistake of each digit alone, in
// (5/6)³ = 58 %. Both are always right when they take the most likely digit, so what is left to reinforcement learning is to become
// sure: from pass@1 = p to q takes at least q·ln(q/p) + (1 − q)·ln((1 − q)/(1 − p)) nats of KL.
//
// A tenth of the 10,000 sums is held out, chosen by a hash: by a rule, such as the last digit of the sum, there would be something that
// training never shows.
#include <cstdint>
#include <vector>

#include "align/rollouts/rollout.h"

namespace gradus::experiments {

constexpr int32_t addition_bos = 10, plus_sign = 11, equals_sign = 12, addition_end = 13;
constexpr int addition_answer = 4;  // ids

struct Sum {
    int a, b;  // 0 … 99
};

bool is_held_out(const Sum&);
std::vector<Sum> sums(bool held_out);  // all of them
std::vector<int32_t> addition_prompt(const Sum&);
Sequence addition_demonstration(const Sum&, uint64_t seed);
// 1 or 0.
double is_right(const Rollout&);

}  // namespace gradus::experiments
