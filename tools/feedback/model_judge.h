#pragma once
// Feedback of a model in this process.
//
// A judge's request is a conversation whose answer begins with the lead; ℓ of a label is the sum of the log-probabilities
// of the ids in which the two possible answers differ, so it does not matter where the tokenizer cuts "(A". Requests are
// fed to the key/value cache in batches: a request costs one pass over its ids.
#include "engine/generate/cached_step.h"
#include "tools/align/answers.h"
#include "tools/feedback/judge.h"

namespace gradus {

class ModelJudge : public Judge {
public:
    // Errors: those of the folder and its template; labels that the tokenizer cuts into different numbers of ids.
    ModelJudge(const FeedbackModel&, const FeedbackWording&, const ComputeOptions&);

    std::vector<std::optional<LabelLogProbs>> compare(const std::vector<std::string>& requests) override;
    size_t at_once() const override { return 64; }

private:
    struct Scored;  // a text, and the log-probabilities that are wanted of it
    bool add_request(const std::string& request, LabelLogProbs& into, std::vector<Scored>&) const;
    void run(std::vector<Scored>&);
    void run_together(std::span<Scored>);
    void add_log_probs(int wanted, const std::vector<std::pair<int32_t, double*>>& targets);

    ModelFolder folder_;
    ChatEncoder chat_;
    FeedbackWording wording_;
    std::unique_ptr<LanguageModel> model_;
    std::optional<CachedStep> step_;
    int positions_ = 0;  // of step_
};

class ModelWriter : public Writer {
public:
    ModelWriter(const FeedbackModel&, const ComputeOptions&);

    std::vector<std::optional<std::string>> write(const std::vector<Conversation>&, uint64_t seed) override;
    size_t at_once() const override { return 64; }

private:
    AnsweringModel model_;
    AnswerOptions options_;
};

}  // namespace gradus
