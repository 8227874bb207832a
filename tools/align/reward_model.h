#pragma once
// A reward model from a folder, for commands that score answers.
#include "align/reward/reward_trainer.h"
#include "tools/align/score_facts.h"
#include "tools/model_folder.h"

namespace gradus {

class RewardModel {
public:
    // The folder of a run of gradus reward (its newest checkpoint), of a checkpoint, or of transformers'
    // …ForSequenceClassification with one label. Error for a language model.
    RewardModel(const std::string& named, const Ops&, DType);

    const fs::path& folder() const { return folder_.path; }
    int context() const { return config_.context; }
    // The standard deviation of the scores of the best answers in its data.
    double sd() const { return facts_.sd; }

    // Of texts of at most context() ids; 0 is the mean score of the best answers in its data. Error if one is not finite.
    std::vector<double> scores(const std::vector<Sequence>&);

private:
    LockedFolder folder_;
    ModelConfig config_;
    ScoreFacts facts_;
    ScoreModel model_;
    ScorePass pass_;
};

}  // namespace gradus
