#pragma once
// The answers of an iteration of gradus grpo: groups of answers to the same prompt, with their scores.
//
// With dynamic sampling (Yu et al. 2025, DAPO), a group whose answers all have the same score teaches nothing and is dropped;
// further prompts are answered, in rounds, until the batch has as many groups with a spread of scores as it should. A round asks for
// as many prompts as the groups that are still missing should take, by the share of groups with a spread so far, and at most for a
// whole batch. If the batch is not full after the last round, groups without a spread fill it.
#include "align/advantages/scores.h"
#include "align/rollouts/rollout.h"
#include "tools/align/answer_scores.h"

namespace gradus {

struct GroupBatch {
    std::vector<int> chosen;  // the prompt of each answer
    std::vector<Rollout> answers;
    AnswerScores scores;
    int64_t rounds = 1, sampled = 0;  // answers, with those of groups that were dropped

    void add(const GroupBatch&, size_t first, size_t count);  // answers of another
};

class DynamicSampling {
public:
    // `groups` of `size` answers are wanted.
    DynamicSampling(int64_t groups, int64_t size, int64_t max_rounds)
        : groups_(groups), size_(size), rounds_(max_rounds) {}

    // Prompts to answer in the next round; 0: the batch is complete.
    int64_t next_prompts() const;
    // The answers of a round.
    void add(const GroupBatch&);
    // Groups with a spread, in the order in which they came, then those that fill the batch.
    GroupBatch batch() const;

private:
    int64_t with_spread() const { return int64_t(kept_.answers.size()) / size_; }

    int64_t groups_, size_, rounds_;
    int64_t done_ = 0, tried_ = 0;  // rounds; groups
    GroupBatch kept_, without_;
};

// What becomes of the scores before they are compared (align/advantages/scores.h). overlong: tokens before `longest` in which an
// answer loses up to 1; 0: none.
AnswerScores shaped_scores(const AnswerScores&, const std::vector<Rollout>&, const ScoreShape&, int64_t longest,
                           int64_t overlong);

}  // namespace gradus
