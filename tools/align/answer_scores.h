#pragma once
// Scores of answers, of which some may have none: a program that cannot judge an answer says so, instead of giving it a bad score.
#include <cstdint>
#include <vector>

namespace gradus {

struct AnswerScores {
    std::vector<double> scores;   // of each answer; 0 where there is none
    std::vector<uint8_t> scored;  // 1: it has a score

    void add(double score) {
        scores.push_back(score);
        scored.push_back(1);
    }
    void add_none() {
        scores.push_back(0);
        scored.push_back(0);
    }
    bool operator==(const AnswerScores&) const = default;
};

}  // namespace gradus
