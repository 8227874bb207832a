#pragma once
// Judged answers as the trainers of reward models, of DPO and of KTO need them, read from reward.data or dpo.data.
#include "align/preference/kto_trainer.h"
#include "align/preference/preference_trainer.h"
#include "align/reward/reward_trainer.h"
#include "tools/align/aligned_run.h"

namespace gradus {

// Rankings: of pairs, K answers, or what can stand for them. Those of `val` are chosen by a hash of their prompt.
struct RankedExamples {
    std::vector<RankedAnswers> train, val;
    std::string hash;  // of the files
};
RankedExamples read_rankings(AlignedRun&);

struct PreferenceExamples {
    std::vector<PreferenceExample> train, val;
    std::string hash;
};
// train.context must be set.
PreferenceExamples read_preferences(const Config&, const ChatEncoder&);

// Answers with a label; a pair is one of each, and a ranking all its pairs. Those to train on are mismatched among themselves, and
// so are those of `val`, which have no mismatched text if they all answer one prompt.
struct LabelledExamples {
    std::vector<LabelledExample> train, val;
    std::string hash;
};
LabelledExamples read_labels(const Config&, const ChatEncoder&);

// Which examples are at the places [first, first + wanted) of a run: each epoch has all of them in an order of its own, a function
// of (seed, epoch).
std::vector<int> examples_at(int64_t first, int64_t wanted, int64_t count, uint64_t seed);
// Those of a step.
inline std::vector<int> examples_of_step(int64_t step, int64_t batch, int64_t count, uint64_t seed) {
    return examples_at(step * batch, batch, count, seed);
}

// Sets train.steps to the epochs, where it is not set.
void set_steps(Config&, int64_t epochs, int64_t examples);

}  // namespace gradus
