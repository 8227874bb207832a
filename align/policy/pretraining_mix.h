#pragma once
// Pre-training text in the updates of a policy, against forgetting (PPO-ptx). An update of its weights descends
//
//   L = L_policy + γ · 1/M · Σ −log p(id | ids before it)
//
// over the M targets of `rows` rows of text, on all ranks of dp together. The gradient of the second term is added to the same
// memory as that of the first, before the same clip and update. Which rows an update sees is a function of its number alone.
// Source: Ouyang et al. 2022, with γ = 27.8 and eight rows of text for every answer.
#include "align/policy/policy_update.h"
#include "engine/replays.h"

namespace gradus {

struct PretrainingConfig {
    double weight = 0;  // γ
    int64_t rows = 8;   // of text in an update, on all ranks together
};

class PretrainingMix {
public:
    // `text` fills rows of the model's B and T.
    PretrainingMix(LanguageModel&, NextBatch text, const PretrainingConfig&, const Mesh& = {});

    // For PolicyUpdate::run(); refers to this object.
    PolicyUpdate::Addition addition();
    // Nats per token of the text, the mean over the updates since the last call, each before it; the same on every rank.
    double take_loss();

private:
    double prepare(int64_t update);  // its rows on this rank; returns γ/M
    void accumulate();

    LanguageModel& model_;
    NextBatch text_;
    PretrainingConfig config_;
    Comm dp_;
    Share mine_;  // rows of an update
    Replays passes_;
    Arena inputs_, on_host_;
    Batch batch_;
    std::vector<StagedBatch> micro_batches_;
    Tensor losses_, host_losses_, pass_losses_;
    HostBatch host_;
    double targets_ = 0;
    double loss_ = 0, updates_ = 0;  // of this rank: Σ of its terms, and how many updates
};

}  // namespace gradus
