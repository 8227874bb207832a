#pragma once
// Answers of a policy to prompts, as the trainers of align/ need them.
//
// All prompts are generated at once by continuous batching: a finished answer makes room for the next prompt
// (engine/generate/generator.h). Draws are pure softmax(logits/τ), since what is trained must be the distribution that was
// sampled from: no top-k, top-p, penalty or least length. The log-probabilities that a trainer compares with are not those of
// the draws, whose matmuls have other heights and round otherwise, but those of the trainer's own forward pass
// (align/batches/language_pass.h).
#include "align/batches/sequence.h"
#include "engine/generate/generator.h"

namespace gradus {

struct RolloutOptions {
    int max_tokens = 0;         // of an answer, its end included
    double temperature = 1;     // τ
    uint64_t seed = 0;          // of this batch of rollouts
    uint64_t first_stream = 0;  // prompt i draws by the random numbers of stream first_stream + i
    std::vector<int32_t> ends;  // ids that end an answer
};

struct Rollout {
    Sequence text;          // prompt and answer; learnt: the answer, with the id that ended it
    int prompt_length = 0;  // ids
    bool ended = false;     // false: cut at max_tokens or at the end of the context
    int answer_length() const { return text.size() - prompt_length; }
};

// One for each prompt, in their order, with no other request under way. What is drawn depends on the weights, the prompt, the
// seed and the stream alone, up to rounding.
std::vector<Rollout> roll_out(Generator&, const std::vector<std::vector<int32_t>>& prompts, const RolloutOptions&);

// The same with any way to draw, for answers that are chosen among and whose probabilities nobody needs.
std::vector<Rollout> roll_out(Generator&, const std::vector<Prompt>& prompts, const GenerateOptions&);

}  // namespace gradus
