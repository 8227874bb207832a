#pragma once
// A conversation: messages of the roles system, user and assistant.
//
//   {{"system", "Be brief."}, {"user", "2 + 2?"}, {"assistant", "4"}}
//
// A system message, if there is one, comes first. Then user and assistant alternate, and the user begins.
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

struct Message {
    std::string role, content;
    bool operator==(const Message&) const = default;
};

using Conversation = std::vector<Message>;

enum class LastMessage {
    answer,    // of the assistant: a conversation to learn from
    question,  // of the user: a prompt
};

// What breaks the rules above: "message 3 has the role user, where assistant must come"; "" if nothing does. Messages
// count from 1.
std::string problem_of(const Conversation& conversation, LastMessage last);

// The same as an Error. `where` names the conversation: "file.jsonl:12"; empty: no place.
void check_conversation(const Conversation& conversation, LastMessage last, const std::string& where = "");

// Without white space at both ends, as Python's str.strip() and Jinja's filter `trim` define it.
std::string_view stripped(std::string_view text);

}  // namespace gradus
