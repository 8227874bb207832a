#include "tools/align/simulated_rankings.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "align/raters/description_rater.h"
#include "engine/base/log.h"

namespace gradus {

void write_simulated_rankings(const SimulatedRanking& o, const Ops& ops, DType dtype) {
    AnsweringModel model(o.model, o.answers.chat_template, ops, dtype, {});
    const std::vector<Conversation> prompts = read_questions(o.prompts, o.answers, "gradus rank");
    const std::vector<Rollout> answers = model.answer(prompts, o.answers);
    const auto K = size_t(o.answers.samples);
    std::string lines;
    size_t written = 0;
    double utility = 0;
    for (size_t p = 0; p < prompts.size(); ++p) {
        const std::string& question = prompts[p].back().content;
        std::vector<std::string> texts;
        std::vector<double> utilities;
        for (size_t i = p * K; i < (p + 1) * K; ++i) {
            texts.push_back(model.text_of(answers[i]));
            utilities.push_back(utility_of_description(question, texts.back(), answers[i].ended).total());
            utility += utilities.back() / double(answers.size());
        }
        if (std::count(texts.begin(), texts.end(), texts[0]) == std::ptrdiff_t(K)) continue;
        const nlohmann::ordered_json line = {{"prompt", question},
                                             {"answers", texts},
                                             {"ranks", simulated_ranks(utilities, o.noise, o.answers.rollout.seed, p)},
                                             {"rater", "simulated"},
                                             {"simulated", true}};
        lines += line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
        ++written;
    }
    write_file_atomically(o.out, lines);
    tell(fmt::format("{} simulated rankings of {} answers in {}; mean utility {:.2f} of 4\n", written, K, o.out,
                     utility));
}

}  // namespace gradus
