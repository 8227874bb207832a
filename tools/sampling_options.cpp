#include "tools/sampling_options.h"

namespace gradus {

void add_sampling_options(CLI::App& app, Sampling& s) {
    app.add_option("--temperature", s.temperature,
                   "divides the logits: below 1 less random, above 1 more; 0: always the most likely token")
        ->capture_default_str();
    app.add_option("--top-k", s.top_k, "sample from the k most likely tokens; 0: from all")
        ->transform(whole_between(0, 1 << 24))
        ->capture_default_str();
    app.add_option("--top-p", s.top_p, "sample from the most likely tokens whose probabilities add up to this")
        ->capture_default_str();
    app.add_option("--min-p", s.min_p, "sample from tokens at least this many times as likely as the most likely one")
        ->capture_default_str();
    app.add_option("--repetition-penalty", s.repetition_penalty, "above 1: tokens that occurred become less likely")
        ->capture_default_str();
    app.add_option("--seed", s.seed, "the same seed gives the same text")
        ->transform(whole_between(0, UINT64_MAX))
        ->capture_default_str();
}

}  // namespace gradus
