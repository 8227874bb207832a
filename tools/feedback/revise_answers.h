#pragma once
// Demonstrations by critique and revision: a model answers each prompt, and in every round a principle is drawn, the
// answer is criticised by it, and rewritten. A prompt is a line of the output, in the format prompt-completion of
// align/examples/formats.h with the whole record:
//
//   {"prompt": TEXT or messages, "completion": the last answer, "answers": [first, …, last], "critiques": [TEXT, …],
//    "principles": [{"critique", "revision"}, …], "item": 17, "made_by": {…}}
//
// A revision without text keeps the answer before it. Source: Bai et al. 2022, "Constitutional AI", arXiv 2212.08073.
#include "tools/feedback/judge.h"

namespace gradus {

struct ReviseAnswers {
    FeedbackModel model;              // answers the prompts
    FeedbackModel judge;              // writes critiques and revisions; without a name: the model
    std::string principles, wording;  // files; empty: the included ones
    std::string out;
    int rounds = 1;
    uint64_t seed = 1;
    ComputeOptions compute;
};

struct RevisedAnswers {
    int64_t written = 0, changed = 0;          // prompts with a line; those whose last answer is not the first
    double first_length = 0, last_length = 0;  // bytes of an answer, mean
    int64_t left_out = 0;   // prompts without a line: a request has no room in the context, or no answer has text
    bool complete = false;  // false: a stop was requested
};

// Continues the output where it ends; models are opened only if something is left. Errors: those of the files and the
// models; then the lines that were written before stay.
RevisedAnswers revise_answers(const std::vector<Conversation>& prompts, const ReviseAnswers&);

}  // namespace gradus
