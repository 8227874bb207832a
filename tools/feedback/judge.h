#pragma once
// A model that gives feedback: it compares answers, and writes critiques and revisions. It is a folder (model_judge.h) or
// a server (server_judge.h).
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "align/feedback/preference.h"
#include "align/feedback/wording.h"
#include "tools/device.h"

namespace gradus {

// Compares two answers by the label that it would write next.
class Judge {
public:
    virtual ~Judge() = default;
    // Of each request (judge_request() of align/feedback/wording.h), in their order; empty: it does not fit into the
    // judge's context.
    virtual std::vector<std::optional<LabelLogProbs>> compare(const std::vector<std::string>& requests) = 0;
    // How many requests it should be given at a time.
    virtual size_t at_once() const = 0;
};

// Writes answers to conversations.
class Writer {
public:
    virtual ~Writer() = default;
    // Of each conversation, in their order; empty: there is no room for an answer in the writer's context. What is drawn
    // depends on the conversations, their order and the seed.
    virtual std::vector<std::optional<std::string>> write(const std::vector<Conversation>&, uint64_t seed) = 0;
    virtual size_t at_once() const = 0;
};

// The model as the user names it.
struct FeedbackModel {
    std::string name;           // a folder, or the address of a server
    std::string chat_template;  // of a folder; empty: the model's
    std::string template_option = "--template";
    std::string served;             // of a server: which of its models; empty: the only one
    std::string endpoint = "chat";  // of a server: chat or completions
    int requests = 8;               // to a server at the same time
    double seconds = 120;           // longest time for one of them
    double first_wait = 1;          // seconds before a request is sent again; twice as long each further time
    int max_tokens = 128;           // of a written answer
    double temperature = 1;         // of a written answer

    bool is_server() const { return name.find("://") != std::string::npos; }
};

std::unique_ptr<Judge> make_judge(const FeedbackModel&, const FeedbackWording&, const ComputeOptions&);
std::unique_ptr<Writer> make_writer(const FeedbackModel&, const ComputeOptions&);

// --judge-model, --requests, --timeout: of a server.
void add_server_options(CLI::App&, FeedbackModel&);

}  // namespace gradus
