#pragma once
// Steps of a reward model on answers that people have ranked.
//
// All answers to a prompt are scored in one micro-batch, and their loss is one element of the batch (align/losses/ranking.h): K
// forward passes for C(K,2) comparisons. The score of an answer is the model's value at its last id, the end of the turn.
// Source: Ouyang et al. 2022.
#include "align/batches/score_pass.h"
#include "align/losses/ranking.h"
#include "align/statistics/accuracy.h"
#include "engine/gradient_step.h"

namespace gradus {

enum class RankingLoss { pairs, plackett_luce, best };

// The answers to one prompt, each with its prompt, and their ranks: 1 is the best, equal ones are ties.
struct RankedAnswers {
    std::vector<Sequence> texts;
    std::vector<int> ranks;
    // Of two answers: the probability that the first one is better, as a judge gave it; below 0: the ranks decide.
    double probability = -1;
    double margin = 0;  // by which the better one must lead
};

struct RewardConfig : UpdateConfig {
    RankingLoss loss = RankingLoss::pairs;
    double centring = 0;
};

class RewardTrainer {
public:
    RewardTrainer(ScoreModel&, const RewardConfig&, const Mesh& = {});

    struct Result : StepResult {
        Accuracy accuracy;  // over the pairs of the batch, before the update
        double mean = 0;    // score
    };
    // A step on the whole batch, which every rank is given; each rank of dp computes its part. Loss in nats per prompt.
    Result step(int64_t step, const std::vector<RankedAnswers>& batch);

    // The scores of texts, on every rank.
    std::vector<double> scores(const std::vector<Sequence>&);

    GradientStep& gradient_step() { return step_; }
    ScoreModel& model() { return pass_.model(); }

private:
    ScorePass pass_;
    RewardConfig config_;
    GradientStep step_;
};

// The scores of texts under a model, shared out over the ranks of dp; every rank has them all.
std::vector<double> scores_of(ScorePass&, const std::vector<Sequence>&, const Comm& dp);

}  // namespace gradus
