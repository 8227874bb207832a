#pragma once
// Answers of one or several models to the prompts that people will judge.
//
// All answers are generated before the first is shown, by continuous batching. Each prompt's answers by a model are a line
// of the model's cache, written when they are complete:
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
    std::vector<std::string> models;  // as the user named them
    std::string chat_template;        // empty: the one in the model's folder
    int samples = 4;                  // of all models together
    GenerateOptions generate;
    ComputeOptions compute;
};

// How many of the samples are of model i: they take turns.
int samples_of(int samples, size_t models, size_t i);

// ratings.jsonl → ratings.answers.jsonl, ratings.answers-2.jsonl, …: the caches of the models.
fs::path answers_beside(const fs::path& rankings, size_t model = 0);

// Empty if a stop was requested (engine/base/signals.h); the answers that were complete by then are in the cache.
// Errors: those of the model's folder; no template; a cache of other settings.
std::optional<CandidateList> sampled_answers(const std::vector<Conversation>& prompts, const SampleAnswers& options,
                                             const fs::path& rankings);

}  // namespace gradus
