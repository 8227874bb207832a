#pragma once
// What the rounds have done so far: a table for people, a list for programs.
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "align/statistics/accuracy.h"
#include "tools/rounds/round_plan.h"

namespace gradus {

struct RoundRow {
    int round = 0;
    std::string policy;              // folder
    int64_t rankings = 0;            // that its reward model learnt from
    std::optional<double> accuracy;  // of the reward model, on rankings held out
    std::optional<double> score,
        kl;  // of the policy: in standard deviations of the reward model's score; nats per answer
    std::optional<double> length, ended;
    std::optional<double> utility;      // of the simulated rater; round 0: rounds.policy
    std::optional<Accuracy> preferred;  // by the next round's raters, to rounds.policy
};

// Of a round whose commands have ended. `next`: the round after it, whose rankings compare its policy with the first; they
// may be absent. With the simulated rater the figures are those of gradus stages, else those of PPO's last iteration.
RoundRow read_round(const RoundsConfig& config, int round);

std::string text_of(const std::vector<RoundRow>& rows);
nlohmann::ordered_json json_of(const std::vector<RoundRow>& rows);

// Rows for rounds 0 … `done`; 0 is rounds.policy, where it was measured.
std::vector<RoundRow> read_rounds(const RoundsConfig& config, int done);

}  // namespace gradus
