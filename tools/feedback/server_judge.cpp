#include "tools/feedback/server_judge.h"

#include <cmath>

#include "data/text.h"
#include "engine/base/philox.h"

namespace gradus {

namespace {

using Json = nlohmann::json;

constexpr int top_of_chat = 20, top_of_completions = 5;  // the most that OpenAI's interface gives
constexpr double above_one = 1e-3;                       // a log-probability that is rounded may be this large

const Json* member(const Json* object, const char* key) {
    if (!object || !object->is_object()) return nullptr;
    const auto found = object->find(key);
    return found == object->end() || found->is_null() ? nullptr : &*found;
}

const Json* first_of(const Json* list) { return list && list->is_array() && !list->empty() ? &(*list)[0] : nullptr; }

}  // namespace

ReadTopTokens top_tokens_of(const Json& reply) {
    ReadTopTokens read;
    const Json* const choice = first_of(member(&reply, "choices"));
    const Json* const log_probs = member(choice, "logprobs");
    if (!log_probs) {
        read.problem = choice ? "choices[0].logprobs is missing" : "choices is missing";
        return read;
    }
    const auto add = [&](const Json& token, const Json* log_prob) {
        if (!token.is_string() || !log_prob || !log_prob->is_number() || !(log_prob->get<double>() <= above_one))
            read.problem = "a token's logprob is not a log-probability";
        else read.tokens.emplace_back(token.get<std::string>(), log_prob->get<double>());
    };
    if (const Json* content = first_of(member(log_probs, "content"))) {
        if (const Json* top = member(content, "top_logprobs"); top && top->is_array())
            for (const Json& entry : *top) {
                const Json* const token = member(&entry, "token");
                add(token ? *token : Json(), member(&entry, "logprob"));
            }
    } else if (const Json* top = first_of(member(log_probs, "top_logprobs")); top && top->is_object()) {
        for (const auto& [token, log_prob] : top->items()) add(token, &log_prob);
    }
    if (read.tokens.empty() && read.problem.empty()) read.problem = "choices[0].logprobs has no top_logprobs";
    return read;
}

ServerJudge::ServerJudge(const FeedbackModel& m, const FeedbackWording& wording)
    : wording_(wording), chat_(m.endpoint == "chat"), client_(m) {}

LabelLogProbs ServerJudge::ask(const std::string& request) const {
    Json body = {{"model", client_.model()}, {"max_tokens", 1}, {"temperature", 1}};
    if (chat_) {
        body["messages"] = Json::array({{{"role", "user"}, {"content", request}}});
        body["logprobs"] = true;
        body["top_logprobs"] = top_of_chat;
    } else {
        body["prompt"] = request + "\n\n" + wording_.lead;
        body["logprobs"] = top_of_completions;
    }
    const ReadTopTokens top = top_tokens_of(client_.post(chat_ ? "/chat/completions" : "/completions", body));
    if (!top.problem.empty())
        throw client_.bad_reply(top.problem, chat_ ? "--endpoint completions, or a server that returns top_logprobs"
                                                   : "--endpoint chat, or a server that returns top_logprobs");
    return label_log_probs(top.tokens, wording_.labels[0], wording_.labels[1]);
}

std::vector<std::optional<LabelLogProbs>> ServerJudge::compare(const std::vector<std::string>& requests) {
    std::vector<std::optional<LabelLogProbs>> all(requests.size());
    client_.for_each(requests.size(), [&](size_t i) { all[i] = ask(requests[i]); });
    return all;
}

ServerWriter::ServerWriter(const FeedbackModel& m) : options_(m), client_(m) {}

std::vector<std::optional<std::string>> ServerWriter::write(const std::vector<Conversation>& all, uint64_t seed) {
    std::vector<std::optional<std::string>> texts(all.size());
    client_.for_each(all.size(), [&](size_t i) {
        Json messages = Json::array();
        for (const Message& m : all[i]) messages.push_back({{"role", m.role}, {"content", m.content}});
        const Json reply = client_.post("/chat/completions", {{"model", client_.model()},
                                                              {"messages", messages},
                                                              {"max_tokens", options_.max_tokens},
                                                              {"temperature", options_.temperature},
                                                              {"seed", Philox{key_of(seed)}.bits(i) >> 33}});
        const Json* const content = member(member(first_of(member(&reply, "choices")), "message"), "content");
        if (!content || !content->is_string())
            throw client_.bad_reply("choices[0].message.content is missing",
                                    "name the address of a server with OpenAI's interface");
        texts[i] = std::string(stripped(repair_utf8(content->get<std::string>())));
    });
    return texts;
}

}  // namespace gradus
