#include "tools/align/reward_model.h"

#include <algorithm>
#include <cmath>

#include "engine/checkpoint/weights.h"

namespace gradus {

namespace {

constexpr int score_rows = 2048;  // approximate number of rows in a micro-batch

ModelConfig checked_config(const fs::path& folder) {
    require_reward_model(folder);
    return read_model_config(folder);
}

}  // namespace

RewardModel::RewardModel(const std::string& named, const Ops& ops, DType dtype)
    : folder_(model_folder(named, VerifyLevel::model)),
      config_(checked_config(folder_.path)),
      facts_(score_facts(folder_.path)),
      model_(ops, config_, dtype, {.B = std::max(1, score_rows / config_.context), .T = config_.context}, {}, {}),
      pass_(model_) {
    load_weights(model_.parameters, config_, folder_.path);
}

std::vector<double> RewardModel::scores(const std::vector<Sequence>& texts) {
    std::vector<double> scores = scores_of(pass_, texts, {});
    for (double& score : scores) {
        score -= facts_.mean;
        if (!std::isfinite(score))
            throw Error("a score is not a finite number",
                        "the model's weights are damaged, or the dtype's range is too small for them",
                        "--dtype f32, or an earlier checkpoint of the run");
    }
    return scores;
}

}  // namespace gradus
