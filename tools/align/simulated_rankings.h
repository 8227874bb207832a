#pragma once
// Rankings by a declared simulated rater (align/raters/description_rater.h), for demonstrations of the whole chain.
#include "tools/align/answers.h"

namespace gradus {

struct SimulatedRanking {
    std::vector<std::string> models;  // they share the answers to a prompt
    std::string prompts, out;
    AnswerOptions answers{.samples = 4};
    double noise = 0.5;  // of the rater
};

// Writes FILE.jsonl: a ranking a line, each marked as simulated. Prompts whose answers are all the same text are left out.
void write_simulated_rankings(const SimulatedRanking&, const Ops&, DType);

}  // namespace gradus
