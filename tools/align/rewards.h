#pragma once
// What gradus grpo judges answers by: a reward model (policy_run.h), a program, or a comparison with the prompt's reference.
#include <functional>
#include <optional>

#include "tools/align/policy_run.h"

namespace gradus {

// Rank 0 starts grpo.reward_command and talks to it; the others get the scores from there.
Reward reward_by_program(const AlignedRun&, const PolicyPrompts&);

// grpo.exact and grpo.pattern. A prompt without a reference, where one is needed, has no score. Errors: the expression cannot be
// understood; no prompt has a reference.
Reward reward_by_comparison(const AlignedRun&, const PolicyPrompts&);

// 1 or 0 for a text and its reference, as above; none: there is no reference.
struct Comparison {
    bool exact = false;
    std::string pattern = {};
};
std::function<std::optional<double>(const std::string& text, const std::string& reference)> comparison(
    const Comparison&);

}  // namespace gradus
