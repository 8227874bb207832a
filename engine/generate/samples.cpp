#include "engine/generate/samples.h"

#include <algorithm>

namespace gradus {

Generator::Capacity capacity_of_samples(const Resolved& r, const DataFacts& data) {
    constexpr size_t most_at_once = 8;
    const Config& c = r.config;
    if (c.sample.every == 0) return {.sequences = 0};
    int64_t longest = data.longest_prompt;
    if (longest < 0)
        for (const std::string& prompt : c.sample.prompts)
            longest = std::max(longest, int64_t(prompt.size()) + 1);  // with an end-of-text token before it
    return {.sequences = int(std::min(c.sample.prompts.size(), most_at_once)),
            .context = int(std::min<int64_t>(r.model.context, longest + c.sample.tokens))};
}

}  // namespace gradus
