#include "tools/align/simulated_rankings.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "align/collect/ranking_file.h"
#include "align/raters/description_rater.h"
#include "engine/base/log.h"
#include "engine/base/plural.h"
#include "tools/rank/sampled_answers.h"

namespace gradus {

namespace {

// A prompt with what was answered, and what the rater sees in that.
struct Answered {
    Ranking ranking;
    std::vector<double> utilities;
};

// Adds a model's answers to each prompt.
void add_answers(std::vector<Answered>& all, const std::string& named, const std::vector<Conversation>& prompts,
                 const AnswerOptions& o, const Ops& ops, DType dtype) {
    AnsweringModel model(named, o.chat_template, ops, dtype, {});
    const std::vector<Rollout> answers = model.answer(prompts, o);
    for (size_t i = 0; i < answers.size(); ++i) {
        Answered& answered = all[i / size_t(o.samples)];
        const std::string text = model.text_of(answers[i]);
        answered.utilities.push_back(
            utility_of_description(answered.ranking.prompt.back().content, text, answers[i].ended).total());
        answered.ranking.answers.push_back(text);
        answered.ranking.models.push_back(named);
    }
}

}  // namespace

void write_simulated_rankings(const SimulatedRanking& o, const Ops& ops, DType dtype) {
    const std::vector<Conversation> prompts = read_questions(o.prompts, o.answers, "gradus rank");
    std::vector<Answered> all;
    for (const Conversation& p : prompts) all.push_back({{.prompt = p, .rater = "simulated", .simulated = true}, {}});
    for (size_t m = 0; m < o.models.size(); ++m) {
        AnswerOptions options = o.answers;
        options.samples = samples_of(o.answers.samples, o.models.size(), m);
        options.rollout.seed += m;
        add_answers(all, o.models[m], prompts, options, ops, dtype);
    }
    std::string lines;
    int64_t written = 0;
    double utility = 0;
    for (size_t p = 0; p < all.size(); ++p) {
        Ranking& r = all[p].ranking;
        for (const double u : all[p].utilities) utility += u / double(all.size() * all[p].utilities.size());
        if (std::count(r.answers.begin(), r.answers.end(), r.answers[0]) == std::ptrdiff_t(r.answers.size())) continue;
        r.ranks = simulated_ranks(all[p].utilities, o.noise, o.answers.rollout.seed, p);
        lines += line_of(r) + "\n";
        ++written;
    }
    write_file_atomically(o.out, lines);
    tell(fmt::format("{} of {} answers in {}; mean utility {:.2f} of 4\n", number_of(written, "simulated ranking"),
                     o.answers.samples, o.out, utility));
}

}  // namespace gradus
