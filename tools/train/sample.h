#pragma once
// Samples during training: RUN/samples.jsonl, one line for each prompt: step, prompt, text.
#include <optional>

#include "engine/base/log.h"
#include "engine/comm.h"
#include "engine/generate/generator.h"
#include "tools/train/data.h"

namespace gradus {

// The ids of sample.prompts; none without sample.every. Error when one is empty or fills the context.
std::vector<Prompt> sample_prompts(const Resolved&, const RunData&);

class TextSampler {
public:
    // Lines of a step above last_step are dropped from the file. Without prompts there is no generator, and nothing is
    // written.
    TextSampler(const Resolved&, const RunData&, std::vector<Prompt>, Generator*, int64_t last_step, const Comm& all);

    // Every rank draws the same texts, and rank 0 writes them. Writes nothing if a stop is requested meanwhile.
    void sample(int64_t step);
    // Removes the samples of later steps, after a rollback.
    void remove_after(int64_t step);
    void sync();

private:
    const Config& config_;
    const Tokenizer& tokenizer_;
    int32_t end_of_turn_;  // -1: the prompts are not conversations
    std::vector<Prompt> prompts_;
    Generator* generator_;
    Comm all_;
    std::optional<JsonLines> file_;
};

}  // namespace gradus
