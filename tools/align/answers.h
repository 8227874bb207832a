#pragma once
// Answers of a model to prompts of a file, for commands that compare or rank them.
#include "align/rollouts/rollout.h"
#include "tools/align/demonstrations.h"
#include "tools/open_model.h"

namespace gradus {

struct AnswerOptions {
    std::string chat_template;  // empty: the model's
    std::string format;         // of the file of prompts; empty: detected
    int64_t count = 0;          // of prompts, the first ones; 0: all
    int samples = 1;            // answers to each
    int at_once = 64;
    RolloutOptions rollout;  // its ends: the template's
};

// A model that answers, with what it needs.
class AnsweringModel {
public:
    // `shape`: of micro-batches for log-probabilities.
    AnsweringModel(const std::string& model, const std::string& chat_template, const Ops&, DType, BatchShape shape);

    const ChatEncoder& chat() const { return chat_; }
    LanguageModel& model() { return *model_; }
    const ModelFolder& folder() const { return folder_; }

    // Of each prompt `samples` answers in a row.
    std::vector<Rollout> answer(const std::vector<Conversation>& prompts, const AnswerOptions&);
    std::string text_of(const Rollout&) const;

private:
    ModelFolder folder_;
    ChatEncoder chat_;
    std::unique_ptr<LanguageModel> model_;
};

std::vector<Conversation> read_questions(const std::string& file, const AnswerOptions&, const std::string& command);

}  // namespace gradus
