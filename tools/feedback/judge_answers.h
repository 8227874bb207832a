#pragma once
// Soft labels from a judge: every pair of answers to a prompt, compared in both orders under a principle that is drawn for
// the pair. Each is a line of the output, a preference pair with a soft label (align/examples/formats.h):
//
//   {"prompt" or "messages", "chosen", "rejected", "probability": 0.83, "principle": TEXT,
//    "first": [0.9, 0.24], "item": 17, "made_by": {…}}
//
//   first   p(first) where the chosen answer is shown first, and where the rejected one is (align/feedback/preference.h)
//   bounds  labels of the four without a log-probability of their own; missing: none
#include <optional>

#include "align/feedback/answer_sets.h"
#include "tools/feedback/judge.h"
#include "tools/rank/sampled_answers.h"

namespace gradus {

struct JudgeAnswers {
    FeedbackModel judge;
    std::string principles, wording;  // files; empty: the included ones
    std::string out;
    uint64_t seed = 1;
    double clamp = 1;  // no probability is above this, ½ to 1
    ComputeOptions compute;
};

struct JudgedAnswers {
    JudgeStatistics statistics;
    int64_t left_out = 0;   // pairs that do not fit into the judge's context
    bool complete = false;  // false: a stop was requested
};

// Continues the output where it ends; the judge is opened only if something is left. Errors: those of the files and the
// judge; then the lines that were written before stay.
JudgedAnswers judge_answers(const AnswerSets&, const JudgeAnswers&);

// The wording in a file, or the usual one; the principles in a file, or the included ones.
FeedbackWording wording_of(const std::string& file);
std::vector<Principle> principles_of(const std::string& file, PrincipleUse);

}  // namespace gradus
