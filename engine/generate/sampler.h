#pragma once
// From a row of logits to the next token.
//
//   1. repetition penalty r   logit of every id seen before: logit / r where positive, logit · r where negative
//   2. temperature τ          logit / τ;  τ = 0 takes the largest logit (the lowest id among equals) and stops here
//   3. top-k                  keeps the ids whose logit is at least the k-th largest (equals of the k-th stay)
//   4. top-p                  keeps the most likely ids, as long as those before it hold a probability below p
//   5. min-p                  keeps the ids at least `min_p` times as likely as the most likely one
//   6. a draw from what is left, in proportion to exp(logit/τ)
//
// The order and the treatment of ties are those of Hugging Face transformers. The draw is a pure function of (seed,
// stream, position): a sequence reads the same whatever is generated beside it.
//
// Sources: Keskar et al. 2019 (penalty), Fan et al. 2018 (top-k), Holtzman et al. 2020 (top-p), Nguyen et al. 2024
// (min-p).
#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

struct Sampling {
    double temperature = 1;         // 0: greedy
    int top_k = 0;                  // 0: no limit
    double top_p = 1;               // 1: no limit
    double min_p = 0;               // 0: no limit
    double repetition_penalty = 1;  // 1: none
    uint64_t seed = 1;
};

// Error naming the setting that is out of its limits.
void validate(const Sampling&);

// Step 1; `seen` lists each id once.
void penalise(std::span<float> logits, std::span<const int32_t> seen, double penalty);

// The id of the largest logit. Error where a logit is no number or the largest is infinite: the weights are broken.
int32_t argmax(std::span<const float> logits);

class Sampler {
public:
    struct Candidate {
        int32_t id;
        float weight;  // exp((logit − largest)/τ): not normalised, 1 for the most likely
    };

    explicit Sampler(const Sampling&);  // Error as validate()

    // The token at `position` of the sequence `stream`. The logits are changed by the penalty.
    int32_t pick(std::span<float> logits, std::span<const int32_t> seen, uint64_t stream, uint64_t position);

    // What step 6 draws from (steps 2 to 5, τ > 0). Valid until the next call.
    std::span<const Candidate> candidates(std::span<const float> logits);

    const Sampling& sampling() const { return sampling_; }

private:
    Sampling sampling_;
    std::vector<float> largest_;  // the k largest logits
    std::vector<Candidate> kept_;
};

}  // namespace gradus
