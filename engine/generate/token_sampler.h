#pragma once
// Draws the next token of each row on the device: ids and log-probabilities come back, the logits stay.
#include <span>
#include <vector>

#include "engine/generate/sampling.h"
#include "engine/run.h"

namespace gradus {

class TokenSampler {
public:
    struct Row {  // of logits
        Sampling sampling;
        uint64_t stream = 0;                 // selects its random numbers
        int64_t position = 0;                // of the token to draw in its sequence
        std::span<const int32_t> seen = {};  // distinct ids, for the repetition penalty
    };
    struct Draw {
        int32_t id;
        double log_prob;  // under the model at the row's temperature (at 1 where that is 0), before penalty and filters
    };

    // At most `rows` rows a call, each with at most `context` ids in `seen`.
    TokenSampler(const Run&, int rows, int context);

    // logits [R,k,Vr]: the vocabulary in slices, one for each of the R ranks of tp. Synchronises. Error if a row's
    // logits are not finite.
    const std::vector<Draw>& draw(Tensor logits, const std::vector<Row>& rows);

    size_t bytes() const { return arena_.bytes(); }  // on the device
    size_t host_bytes() const { return staged_.capacity() * sizeof(int32_t); }

private:
    void draw_with(const Sampling&, Tensor logits, const std::vector<Row>& rows);

    const Run run_;
    Arena arena_;
    Tensor inputs_;           // i32: streams [k,2], positions [k], seen offsets [k+1], seen
    Tensor draws_on_device_;  // of k rows: k log-probabilities, then k ids
    Tensor workspace_;
    std::vector<int32_t> staged_;
    std::vector<std::byte> raw_draws_;
    std::vector<Draw> draws_;
};

}  // namespace gradus
