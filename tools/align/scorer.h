#pragma once
// What gradus best chooses answers by: a reward model, a program, or a comparison with the prompt's reference.
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "align/examples/example.h"
#include "align/template/chat_encoder.h"
#include "kernels/ops.h"
#include "tools/align/answer_scores.h"

namespace gradus {

struct ScorerOptions {
    std::string reward;   // folder of a reward model
    std::string command;  // a program (reward_program.h)
    std::string pattern;  // a comparison (rewards.h), with `exact` or without
    bool exact = false;
    double seconds = 60;  // longest time that the program may take for one call
};

// UsageError unless there is one scorer.
void check_scorer(const ScorerOptions&);

struct Scorer {
    // texts[i] is an answer to *prompts[i]. A reward model reads the conversation as the template writes it, as gradus score and
    // gradus sft do; the ids that were drawn may be others of the same text.
    std::function<AnswerScores(const std::vector<const Question*>& prompts, const std::vector<std::string>& texts)>
        scores;
    int context = std::numeric_limits<int>::max();  // ids of the longest conversation that it can score
};

// `prompts`: all that will be asked. Errors: another tokenizer, a language model, an expression that cannot be understood, no prompt
// with the reference that exact needs. A note, if the reward model has another chat template than `chat`, which must live on.
Scorer make_scorer(const ScorerOptions&, const ChatEncoder& chat, const std::vector<Question>& prompts, const Ops&,
                   DType);

}  // namespace gradus
