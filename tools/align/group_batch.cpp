#include "tools/align/group_batch.h"

#include <algorithm>
#include <span>

#include "align/advantages/group.h"
#include "engine/base/error.h"

namespace gradus {

void GroupBatch::add(const GroupBatch& other, size_t first, size_t count) {
    for (size_t i = first; i < first + count; ++i) {
        chosen.push_back(other.chosen[i]);
        answers.push_back(other.answers[i]);
        scores.scores.push_back(other.scores.scores[i]);
        scores.scored.push_back(other.scores.scored[i]);
    }
}

int64_t DynamicSampling::next_prompts() const {
    const int64_t missing = groups_ - with_spread();
    if (missing <= 0 || done_ == rounds_) return 0;
    if (with_spread() == 0) return groups_;
    return std::min(groups_, (missing * tried_ + with_spread() - 1) / with_spread());
}

void DynamicSampling::add(const GroupBatch& round) {
    const size_t G = size_t(size_);
    CHECK(round.answers.size() % G == 0 && round.scores.scores.size() == round.answers.size());
    for (size_t first = 0; first < round.answers.size(); first += G) {
        const bool spread = has_spread(std::span(round.scores.scores).subspan(first, G),
                                       std::span(round.scores.scored).subspan(first, G));
        (spread ? kept_ : without_).add(round, first, G);
        tried_ += 1;
    }
    done_ += 1;
}

GroupBatch DynamicSampling::batch() const {
    GroupBatch all;
    const size_t wanted = size_t(groups_ * size_), with = std::min(wanted, kept_.answers.size());
    CHECK(with + without_.answers.size() >= wanted, "batch() before enough groups were added");
    all.add(kept_, 0, with);
    all.add(without_, 0, wanted - with);
    all.rounds = done_;
    all.sampled = tried_ * size_;
    return all;
}

AnswerScores shaped_scores(const AnswerScores& scores, const std::vector<Rollout>& answers, const ScoreShape& shape,
                           int64_t longest, int64_t overlong) {
    AnswerScores shaped = scores;
    for (size_t i = 0; i < answers.size(); ++i) {
        if (!scores.scored[i]) continue;
        shaped.scores[i] = shaped_score(shape, scores.scores[i], answers[i].ended);
        if (overlong > 0) shaped.scores[i] += overlong_penalty(answers[i].answer_length(), longest, overlong);
    }
    return shaped;
}

}  // namespace gradus
