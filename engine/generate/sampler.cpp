#include "engine/generate/sampler.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include <fmt/format.h>

#include "engine/base/error.h"
#include "engine/base/philox.h"

namespace gradus {

namespace {
constexpr uint64_t drawing = 0x67656e;  // this use of the seed, apart from all others
}

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

void penalise(std::span<float> logits, std::span<const int32_t> seen, double penalty) {
    if (penalty == 1) return;
    for (int32_t id : seen) {
        float& logit = logits[size_t(id)];
        logit = logit < 0 ? logit * float(penalty) : logit / float(penalty);
    }
}

int32_t argmax(std::span<const float> logits) {
    size_t best = 0;
    bool numbers = true;
    for (size_t i = 0; i < logits.size(); ++i) {
        numbers &= logits[i] == logits[i];
        if (logits[i] > logits[best]) best = i;
    }
    if (!numbers || !std::isfinite(logits[best]))
        throw Error("the model cannot say which token comes next",
                    "its logits are not finite numbers: its weights are broken",
                    "use an earlier checkpoint of the run");
    return int32_t(best);
}

Sampler::Sampler(const Sampling& s) : sampling_(s) { validate(s); }

std::span<const Sampler::Candidate> Sampler::candidates(std::span<const float> logits) {
    const auto& [temperature, top_k, top_p, min_p, penalty, seed] = sampling_;
    const float top = logits[size_t(argmax(logits))], inverse = float(1 / temperature);
    auto lighter_than = [](double limit) { return [limit](const Candidate& c) { return double(c.weight) < limit; }; };

    float least = -std::numeric_limits<float>::infinity();
    if (top_k > 0 && size_t(top_k) < logits.size()) {
        largest_.resize(size_t(top_k));
        std::partial_sort_copy(logits.begin(), logits.end(), largest_.begin(), largest_.end(), std::greater<>());
        least = largest_.back();
    }

    kept_.clear();
    double total = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] < least) continue;
        const float weight = logits[i] == top ? 1.0f : std::exp((logits[i] - top) * inverse);
        if (weight == 0) continue;
        kept_.push_back({int32_t(i), weight});
        total += double(weight);
    }

    if (top_p < 1) {
        // An id lighter than this is outside even if all the others are no heavier; a heap hands out the rest by
        // weight.
        std::erase_if(kept_, lighter_than((1 - top_p) * total / double(kept_.size())));
        auto later = [](const Candidate& x, const Candidate& y) {
            return x.weight != y.weight ? x.weight < y.weight : x.id > y.id;
        };
        std::make_heap(kept_.begin(), kept_.end(), later);
        auto first_inside = kept_.end();
        double before = 0;
        do {
            std::pop_heap(kept_.begin(), first_inside--, later);
            before += double(first_inside->weight);
        } while (first_inside != kept_.begin() && before < top_p * total);
        kept_.erase(kept_.begin(), first_inside);
    }
    if (min_p > 0) std::erase_if(kept_, lighter_than(min_p));
    return kept_;
}

int32_t Sampler::pick(std::span<float> logits, std::span<const int32_t> seen, uint64_t stream, uint64_t position) {
    penalise(logits, seen, sampling_.repetition_penalty);
    if (sampling_.temperature == 0) return argmax(logits);

    const std::span<const Candidate> from = candidates(logits);
    double total = 0;
    for (const Candidate& c : from) total += double(c.weight);
    double left = Philox{key_of(sampling_.seed, drawing)}.uniform(position, stream) * total;
    for (const Candidate& c : from) {
        left -= double(c.weight);
        if (left < 0) return c.id;
    }
    return from.back().id;  // rounding ate the last of it
}

}  // namespace gradus
