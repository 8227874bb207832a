#pragma once
// What gradus grpo and gradus best judge answers by: a reward model (policy_run.h), a program, or a comparison with the prompt's reference.
#include <functional>
#include <optional>

#include "tools/align/policy_run.h"

namespace gradus {

// Rank 0 starts grpo.reward_command and talks to it; the others get the scores from there.
Reward reward_by_program(const AlignedRun&, const PolicyPrompts&);

// grpo.exact and grpo.pattern. A prompt without a reference, where one is needed, has no score. Errors: the expression cannot be
// understood; no prompt has a reference.
Reward reward_by_comparison(const AlignedRun&, const PolicyPrompts&);

// The text of an answer, and the line that a reward program reads of it (reward_program.h).
std::string text_to_judge(const ChatEncoder&, const Rollout&);
std::string line_to_judge(const Conversation& prompt, const std::string& response, const std::string& reference);

// 1 or 0 for a text and its reference, as above; none: there is no reference.
struct Comparison {
    bool exact = false;
    std::string pattern = {};
    std::string option = "--set grpo.pattern=";  // that gave the pattern, for errors
};
std::function<std::optional<double>(const std::string& text, const std::string& reference)> comparison(
    const Comparison&);

}  // namespace gradus
