#pragma once
// A client of servers with OpenAI's interface: vLLM, llama.cpp, SGLang, Ollama, OpenAI itself.
//
// A request that fails for a reason that may pass (status 408, 429 or 5xx, a connection that breaks, no reply in time) is
// sent again three times, after one, two and four seconds or as long as Retry-After says. A redirection is not followed.
// The key in OPENAI_API_KEY goes with each request, and into no message.
// Source: https://platform.openai.com/docs/api-reference
#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "tools/feedback/judge.h"

namespace gradus {

// "http://127.0.0.1:8000/v1" → origin "http://127.0.0.1:8000", path "/v1". Without a path: /v1.
struct ServerAddress {
    std::string origin, path;
};
// Error for an address that is not http:// or https://, has no host, or has a name and password in it.
ServerAddress parse_address(const std::string& address);

class ServerClient {
public:
    // Asks the server for its models where none is named.
    explicit ServerClient(const FeedbackModel&);

    const std::string& model() const { return model_; }
    int requests() const { return options_.requests; }

    // The reply to PATH/name as JSON. Errors: the server cannot be reached, refuses, or replies something else.
    nlohmann::json post(const std::string& name, const nlohmann::json& body) const;
    // Calls ask(0 … count − 1), `requests` of them at the same time. The Error of the first that fails.
    void for_each(size_t count, const std::function<void(size_t)>& ask) const;

    // The Error for a reply that lacks something: "choices[0].message.content".
    Error bad_reply(const std::string& problem, const std::string& fix) const;

private:
    struct Reply;
    nlohmann::json exchange(const std::string& method, const std::string& name, const std::string& body) const;
    Reply send(const std::string& method, const std::string& name, const std::string& body) const;
    std::string the_only_model() const;
    std::string without_key(std::string text) const;

    FeedbackModel options_;
    ServerAddress address_;
    std::string key_, model_;
};

}  // namespace gradus
