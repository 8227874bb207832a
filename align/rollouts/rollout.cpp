#include "align/rollouts/rollout.h"

namespace gradus {

std::vector<Rollout> roll_out(Generator& generator, const std::vector<std::vector<int32_t>>& prompts,
                              const RolloutOptions& o) {
    const GenerateOptions options = {
        .max_tokens = o.max_tokens, .sampling = {.temperature = o.temperature, .seed = o.seed}, .ends_of_text = o.ends};
    std::vector<Prompt> all;
    for (size_t i = 0; i < prompts.size(); ++i) all.push_back({prompts[i], o.first_stream + i});
    return roll_out(generator, all, options);
}

std::vector<Rollout> roll_out(Generator& generator, const std::vector<Prompt>& prompts,
                              const GenerateOptions& options) {
    std::vector<Rollout> all;
    int first_request = 0;
    for (size_t i = 0; i < prompts.size(); ++i) {
        const std::vector<int32_t>& ids = prompts[i].ids;
        const int request = generator.add(prompts[i], options);
        if (i == 0) first_request = request;
        all.push_back({.text = {ids, std::vector<uint8_t>(ids.size(), 0)}, .prompt_length = int(ids.size())});
    }
    while (generator.step())
        for (const Drawn& d : generator.poll()) {
            Rollout& r = all[size_t(d.request - first_request)];
            r.text.ids.push_back(d.id);
            r.text.learnt.push_back(1);
            r.ended = d.finish == Finish::end_of_text;
        }
    return all;
}

}  // namespace gradus
