#pragma once
// The commands of a round, and the files that they leave behind. Everything that a round does, a person could do by hand with
// these commands; each resumes what it has begun, so rounds that were interrupted are resumed by giving them again.
//
//   RUN/round-N/prompts.jsonl      the prompts whose answers are ranked
//   RUN/round-N/rankings.jsonl     gradus rank
//   RUN/round-N/reward/            gradus reward, on the rankings of all rounds so far
//   RUN/round-N/ppo/               gradus ppo
//   RUN/round-N/stages.json        gradus stages, with the simulated rater
#include <string>
#include <vector>

#include "tools/rounds/rounds_config.h"

namespace gradus {

using Command = std::vector<std::string>;  // without the program

class RoundPlan {
public:
    // Rounds are numbered from 1. `prompts`: how many there are in the round's file.
    RoundPlan(const RoundsConfig& config, int round, int64_t prompts);

    fs::path folder() const { return folder_of(round_); }
    fs::path prompts() const { return folder() / "prompts.jsonl"; }
    fs::path rankings() const { return folder() / "rankings.jsonl"; }
    fs::path reward() const { return folder() / "reward"; }
    fs::path policy() const { return folder() / "ppo"; }
    fs::path measured() const { return folder() / "stages.json"; }

    // The model that the round's answers are of, and rounds.policy beside it where they are mixed.
    std::vector<std::string> ranked_models() const;

    Command rank() const;
    Command learn_reward() const;
    Command optimise() const;
    Command measure() const;  // of this round's policy; in the first round also of rounds.policy

private:
    fs::path folder_of(int round) const;
    void add_compute(Command&) const;
    void add_training(Command&, const std::vector<std::string>& settings) const;

    const RoundsConfig& config_;
    int round_;
    int64_t prompts_;
};

// Indices of the prompts of a round: `a_round` of `all`, taken in turn, so that none is taken again before all have been.
std::vector<int64_t> prompts_of_round(int round, int64_t a_round, int64_t all);

}  // namespace gradus
