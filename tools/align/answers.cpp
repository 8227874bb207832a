#include "tools/align/answers.h"

#include "align/samples/samples.h"
#include "tools/align/rewards.h"
#include "tools/chat_template_of.h"

namespace gradus {

AnsweringModel::AnsweringModel(const std::string& model, const std::string& chat_template, const Ops& ops, DType dtype,
                               BatchShape shape)
    : folder_(open_model_folder(model)),
      chat_(chat_encoder_of(folder_.folder, folder_.tokenizer, model, chat_template, "--template ")),
      model_(load_model(folder_, ops, dtype, {shape.B, std::min(shape.T, folder_.config.context)})) {}

std::vector<Rollout> AnsweringModel::answer(const std::vector<Conversation>& prompts, const AnswerOptions& o) {
    const int context = folder_.config.context, longest = context - o.rollout.max_tokens;
    if (longest < 1)
        throw Error("answers of " + std::to_string(o.rollout.max_tokens) + " tokens leave no room for a prompt",
                    "the model's context is " + std::to_string(context), "--max-tokens " + std::to_string(context / 2));
    std::vector<std::vector<int32_t>> ids;
    for (const Conversation& p : prompts) {
        const std::vector<int32_t> prompt = fitted_prompt(p, chat_, longest);
        if (prompt.empty())
            throw Error("a prompt does not fit into the model's context",
                        "it has no room for '" + p.back().content + "'", "shorten it, or lower --max-tokens");
        for (int i = 0; i < o.samples; ++i) ids.push_back(prompt);
    }
    RolloutOptions rollout = o.rollout;
    rollout.ends = {chat_.end_of_turn()};
    Generator generator(*model_, {.sequences = std::min<int>(o.at_once, int(ids.size())), .rows = 4 * o.at_once});
    return roll_out(generator, ids, rollout);
}

std::string AnsweringModel::text_of(const Rollout& r) const { return std::string(stripped(text_to_judge(chat_, r))); }

std::vector<Conversation> read_questions(const std::string& file, const AnswerOptions& o, const std::string& command) {
    const ExampleFile read = read_examples(file, {.format = o.format}, Needs{Kind::prompt, command});
    std::vector<Conversation> all;
    for (size_t i = 0; i < read.examples.size() && (o.count == 0 || int64_t(i) < o.count); ++i)
        all.push_back(read.at<Question>(i).prompt);
    return all;
}

}  // namespace gradus
