#pragma once
// Feedback of a server with OpenAI's interface (server_client.h).
//
//   chat          POST /chat/completions, with logprobs and top_logprobs 20; the request alone is sent, since a reply cannot
//                 be begun for the server
//   completions   POST /completions, with logprobs 5; the request is followed by the lead
//
// One token is asked for; the labels are looked for among the most likely ones (label_log_probs() of
// align/feedback/preference.h).
#include "tools/feedback/server_client.h"

namespace gradus {

// The most likely tokens in a reply of either endpoint. Their problem, if there are none: "choices[0].logprobs is missing".
struct ReadTopTokens {
    TopTokens tokens;
    std::string problem;
};
ReadTopTokens top_tokens_of(const nlohmann::json& reply);

class ServerJudge : public Judge {
public:
    ServerJudge(const FeedbackModel&, const FeedbackWording&);

    std::vector<std::optional<LabelLogProbs>> compare(const std::vector<std::string>& requests) override;
    size_t at_once() const override { return size_t(client_.requests()); }

private:
    LabelLogProbs ask(const std::string& request) const;

    FeedbackWording wording_;
    bool chat_;
    ServerClient client_;
};

class ServerWriter : public Writer {
public:
    explicit ServerWriter(const FeedbackModel&);

    std::vector<std::optional<std::string>> write(const std::vector<Conversation>&, uint64_t seed) override;
    size_t at_once() const override { return size_t(client_.requests()); }

private:
    FeedbackModel options_;
    ServerClient client_;
};

}  // namespace gradus
