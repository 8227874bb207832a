#include "tools/align/scorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>

#include "align/samples/samples.h"
#include "align/template/template_folder.h"
#include "engine/base/log.h"
#include "tools/align/reward_model.h"
#include "tools/align/reward_program.h"
#include "tools/align/rewards.h"
#include "tools/align/same_tokenizer.h"
#include "tools/ending.h"

namespace gradus {

namespace {

void note_other_template(const ChatEncoder& chat, const fs::path& reward) {
    const auto its = load_chat_template(reward, chat.tokenizer());
    if (its && json_of(*its) != json_of(chat.chat_template()))
        note(fmt::format("the reward model learnt from texts of the template {}, and the answers have the template {}",
                         its->name, chat.chat_template().name));
}

Scorer score_by_model(const ScorerOptions& o, const ChatEncoder& chat, const Ops& ops, DType dtype) {
    const auto model = std::make_shared<RewardModel>(o.reward, ops, dtype);
    require_same_tokenizer(chat.tokenizer(), model->folder(), "the reward model",
                           "--reward OTHER, one that was trained from the same base as MODEL");
    note_other_template(chat, model->folder());
    const auto scores = [model, &chat](const std::vector<const Question*>& prompts,
                                       const std::vector<std::string>& texts) {
        std::vector<Sequence> fitting;
        std::vector<bool> fits;
        for (size_t i = 0; i < texts.size(); ++i) {
            auto encoded = fitted_answers(prompts[i]->prompt, std::span(&texts[i], 1), chat, model->context());
            fits.push_back(!encoded.empty());
            if (fits[i]) fitting.push_back({std::move(encoded[0].ids), std::move(encoded[0].learnt)});
        }
        const std::vector<double> of_fitting = model->scores(fitting);
        AnswerScores all;
        for (size_t i = 0, next = 0; i < texts.size(); ++i) {
            if (fits[i]) all.add(of_fitting[next++]);
            else all.add_none();
        }
        return all;
    };
    return {.scores = scores, .context = model->context()};
}

Scorer score_by_program(const ScorerOptions& o) {
    const auto program = std::make_shared<RewardProgram>(o.command, o.seconds);
    return {.scores = [program](const std::vector<const Question*>& prompts, const std::vector<std::string>& texts) {
        std::vector<std::string> lines;
        for (size_t i = 0; i < texts.size(); ++i)
            lines.push_back(line_to_judge(prompts[i]->prompt, texts[i], prompts[i]->reference));
        return program->scores(lines);
    }};
}

Scorer score_by_comparison(const ScorerOptions& o, const std::vector<Question>& prompts) {
    if (o.exact && std::all_of(prompts.begin(), prompts.end(), [](const Question& q) { return q.reference.empty(); }))
        throw Error("no prompt has a reference to compare answers with", "--exact",
                    "add the right answer to each prompt: {\"prompt\": TEXT, \"answer\": TEXT}");
    return {.scores = [score = comparison({o.exact, o.pattern, "--pattern "})](const std::vector<const Question*>& of,
                                                                               const std::vector<std::string>& texts) {
        AnswerScores all;
        for (size_t i = 0; i < texts.size(); ++i) {
            if (const auto one = score(texts[i], of[i]->reference)) all.add(*one);
            else all.add_none();
        }
        return all;
    }};
}

}  // namespace

void check_scorer(const ScorerOptions& o) {
    const int scorers = !o.reward.empty() + !o.command.empty() + (o.exact || !o.pattern.empty());
    if (scorers == 0)
        throw UsageError("nothing scores the answers",
                         "none of --reward, --reward-command, --exact and --pattern is given",
                         "--reward FOLDER, a run of gradus reward");
    if (scorers > 1)
        throw UsageError("there is more than one scorer",
                         "--reward, --reward-command, and --exact or --pattern exclude "
                         "each other",
                         "keep one of them; a program can combine several: --reward-command");
}

Scorer make_scorer(const ScorerOptions& o, const ChatEncoder& chat, const std::vector<Question>& prompts,
                   const Ops& ops, DType dtype) {
    if (!o.reward.empty()) return score_by_model(o, chat, ops, dtype);
    return o.command.empty() ? score_by_comparison(o, prompts) : score_by_program(o);
}

}  // namespace gradus
