#include "engine/generate/sampling.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/base/error.h"

namespace gradus {

void validate(const Sampling& s) {
    auto require = [](bool fits, const char* name, double value, const char* limits, const char* fix) {
        if (fits) return;
        throw Error(fmt::format("{} cannot be '{}'", name, value), limits, fix);
    };
    require(s.temperature >= 0 && std::isfinite(s.temperature), "temperature", s.temperature,
            "it divides the logits: 0 always takes the most likely token, 1 samples the model's distribution",
            "--temperature 0.8");
    require(s.top_k >= 0, "top-k", s.top_k, "it is a number of tokens; 0 sets no limit", "--top-k 50");
    require(s.top_p >= 0 && s.top_p <= 1, "top-p", s.top_p, "it is a probability between 0 and 1; 1 sets no limit",
            "--top-p 0.95");
    require(s.min_p >= 0 && s.min_p <= 1, "min-p", s.min_p,
            "it is a share of the largest probability, between 0 and 1; 0 sets no limit", "--min-p 0.05");
    require(s.repetition_penalty > 0 && std::isfinite(s.repetition_penalty), "repetition-penalty", s.repetition_penalty,
            "it must be above 0; 1 changes nothing, above 1 avoids repetition", "--repetition-penalty 1.1");
}

}  // namespace gradus
