#include "align/examples/fields.h"

#include <algorithm>

#include "engine/base/one_line.h"
#include "engine/base/suggest.h"

namespace gradus {

namespace {

constexpr Synonym role_names[] = {{"human", "user"},        {"prompter", "user"},  {"gpt", "assistant"},
                                  {"chatgpt", "assistant"}, {"bard", "assistant"}, {"bing", "assistant"},
                                  {"model", "assistant"},   {"bot", "assistant"},  {"ai", "assistant"}};

const Json& null_json() {
    static const Json null;
    return null;
}

}  // namespace

std::string described(const Json& value) {
    if (value.is_null()) return "null";
    if (value.is_string()) return "a string";
    if (value.is_array()) return "an array";
    if (value.is_object()) return "an object";
    return value.is_boolean() ? "true or false" : "a number";
}

const Json& Fields::value(const std::string& key) {
    const auto found = object_.find(key);
    if (found != object_.end()) return *found;
    std::string keys;
    for (const auto& [name, value] : object_.items())
        if (keys.size() < 120) keys += (keys.empty() ? "" : ", ") + shown(on_one_line(name, 40));
    fail("the object has no key '" + key + "' but " + (keys.empty() ? "no keys" : keys));
    return null_json();
}

const Json& Fields::array(const std::string& key) {
    const Json& list = value(key);
    if (!list.is_array()) fail("the value of '" + key + "' is " + described(list) + ", where an array must be");
    return list;
}

std::string Fields::text(const std::string& key) {
    const Json& found = value(key);
    if (found.is_string()) return found.get<std::string>();
    fail("the value of '" + key + "' is " + described(found) + ", where a string must be");
    return "";
}

std::string Fields::text_or(const std::string& key, const std::string& otherwise) {
    return has(key) ? text(key) : otherwise;
}

std::vector<std::string> Fields::texts(const std::string& key) {
    std::vector<std::string> all;
    if (!has(key)) return all;
    for (const Json& item : array(key)) {
        if (item.is_string()) all.push_back(item.get<std::string>());
        else fail("'" + key + "' has " + described(item) + ", where strings must be");
    }
    return all;
}

Conversation Fields::messages(const Json& list) {
    Conversation conversation;
    if (!list.is_array()) fail("a list of messages is " + described(list));
    else
        for (const Json& item : list) {
            const std::string message = "message " + std::to_string(conversation.size() + 1);
            if (!item.is_object()) {
                fail(message + " is " + described(item) + ", where an object must be");
                break;
            }
            const bool from = item.contains("from");
            const Json role = item.value(from ? "from" : "role", Json());
            const Json content = item.value(from ? "value" : "content", Json());
            std::string text;
            if (content.is_string()) text = content.get<std::string>();
            else if (content.is_array())
                for (const Json& part : content) {
                    const bool is_text = part.is_object() && part.contains("text") && part["text"].is_string();
                    if (is_text) text += part["text"].get<std::string>();
                    else fail(message + " has a part that is not text");
                }
            else fail(message + " has no text: its content is " + described(content));
            if (!role.is_string()) fail(message + " has no role");
            std::string name = role.is_string() ? role.get<std::string>() : "";
            if (const std::string usual = name_by_synonym(name, role_names); !usual.empty()) name = usual;
            conversation.push_back({name, text});
        }
    return conversation;
}

Conversation Fields::prompt(const Json& value) {
    if (value.is_array()) return checked(messages(value), LastMessage::question);
    if (!value.is_string()) {
        fail("the prompt is " + described(value) + ", where a string or a list of messages must be");
        return {};
    }
    Conversation found = transcript(value.get<std::string>());
    if (found.empty()) return {{"user", value.get<std::string>()}};
    if (found.back().role == "assistant" && found.back().content.empty()) found.pop_back();
    return checked(found, LastMessage::question);
}

Conversation Fields::prompt() { return prompt(has("messages") ? value("messages") : value("prompt")); }

std::string Fields::answer(const Json& value, const Conversation& prompt) {
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_array()) {
        fail("an answer is " + described(value) + ", where a string or a list of messages must be");
        return "";
    }
    const Conversation all = messages(value);
    const bool continues = all.size() == prompt.size() + 1 && std::equal(prompt.begin(), prompt.end(), all.begin());
    if ((all.size() != 1 && !continues) || all.back().role != "assistant") {
        fail(
            "an answer is a list of messages that is neither one message of the assistant nor the prompt with one "
            "more");
        return "";
    }
    return all.back().content;
}

Conversation Fields::checked(Conversation conversation, LastMessage last) {
    if (const std::string problem = problem_of(conversation, last); !problem.empty()) fail(problem);
    return conversation;
}

Conversation transcript(const std::string& text) {
    constexpr std::string_view human = "\n\nHuman:", assistant = "\n\nAssistant:";
    Conversation conversation;
    if (!text.starts_with(human) && !text.starts_with("Human:")) return conversation;
    const std::string all = text.starts_with(human) ? text : "\n\n" + text;
    for (size_t at = 0; at < all.size();) {
        const bool is_human = all.compare(at, human.size(), human) == 0;
        const size_t begin = at + (is_human ? human : assistant).size();
        at = std::min({all.find(human, begin), all.find(assistant, begin), all.size()});
        conversation.push_back(
            {is_human ? "user" : "assistant", std::string(stripped(std::string_view(all).substr(begin, at - begin)))});
    }
    return conversation;
}

}  // namespace gradus
