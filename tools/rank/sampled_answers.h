#pragma once
// Answers of a model to the prompts that people will judge.
//
// All answers are generated before the first is shown, by continuous batching. Each prompt's answers are a line of the
// cache, written when they are complete:
//
//   {"prompt" or "messages", "answers": […], "generated": {"model", "template", "samples", "temperature", "max_tokens",
//                                                           "seed"}}
//
// A later session shows the same answers and generates only those that are missing; if none is, it needs no model. The
// file can be ranked elsewhere: --answers (align/collect/candidates.h).
#include <optional>
#include <string>
#include <vector>

#include "align/collect/candidates.h"
#include "engine/generate/generator.h"
#include "tools/device.h"

namespace gradus {

struct SampleAnswers {
    std::string model, chat_template;  // as the user named them; no template: the one in the model's folder
    int samples = 4;
    GenerateOptions generate;
    ComputeOptions compute;
};

// Empty if a stop was requested (engine/base/signals.h); the answers that were complete by then are in the cache.
// Errors: those of the model's folder; no template; a cache of other settings.
std::optional<CandidateList> sampled_answers(const std::vector<Conversation>& prompts, const SampleAnswers& options,
                                             const fs::path& cache);

// The cache beside an output: ratings.jsonl → ratings.answers.jsonl
fs::path answers_beside(const fs::path& out);

}  // namespace gradus
