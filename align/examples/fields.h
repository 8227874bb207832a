#pragma once
// Takes the values that a format needs out of a record. The first thing that is wrong with the record is remembered and
// what is read afterwards does not matter, so a format is read without a branch per value.
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "align/examples/example.h"

namespace gradus {

using Json = nlohmann::json;

class Fields {
public:
    explicit Fields(const Json& object) : object_(object) {}

    bool has(const std::string& key) const { return object_.contains(key) && !object_[key].is_null(); }
    // The value of a key; null, and a problem, if there is none.
    const Json& value(const std::string& key);
    const Json& array(const std::string& key);
    std::string text(const std::string& key);
    std::string text_or(const std::string& key, const std::string& otherwise);
    // The strings of an array; none where there is no such key.
    std::vector<std::string> texts(const std::string& key);

    // A list of messages {"role", "content"}, or {"from", "value"} as in ShareGPT. A content may be a list of parts
    // {"type": "text", "text": …}, as in OpenAI's API. Roles of other names are translated: human, gpt, model, …
    Conversation messages(const Json& list);
    // A prompt: a text is a message of the user, or if it is a transcript ("\n\nHuman: …\n\nAssistant:") a
    // conversation.
    Conversation prompt(const Json& text_or_messages);
    // From the key "messages" or "prompt".
    Conversation prompt();
    // An answer: a text, a list with one message, or a whole conversation that continues the prompt.
    std::string answer(const Json& text_or_messages, const Conversation& prompt);

    // Requires the roles in order. Returns the conversation.
    Conversation checked(Conversation conversation, LastMessage last);

    void fail(const std::string& problem) {
        if (problem_.empty()) problem_ = problem;
    }
    const std::string& problem() const { return problem_; }
    const Json& object() const { return object_; }

private:
    const Json& object_;
    std::string problem_;
};

// A transcript "\n\nHuman: …\n\nAssistant: …" as messages without white space around them; empty: it is none.
Conversation transcript(const std::string& text);

// A JSON value as a message shows it: "an array", "the number 3".
std::string described(const Json& value);

}  // namespace gradus
