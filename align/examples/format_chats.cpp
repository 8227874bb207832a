// Formats of demonstrations, prompts and texts.
#include "align/examples/formats.h"

namespace gradus {

namespace {

bool has_all(const Json& record, std::initializer_list<const char*> keys) {
    for (const char* key : keys)
        if (!record.contains(key)) return false;
    return true;
}

bool ends_with_question(const Json& record) {
    const Json& list = record["messages"];
    return list.is_array() && !list.empty() && list.back().is_object() && list.back().value("role", Json()) == "user";
}

void add_demonstration(FromRecord& out, Fields& record, Conversation conversation) {
    conversation = record.checked(std::move(conversation), LastMessage::answer);
    if (!record.problem().empty()) return;
    if (stripped(conversation.back().content).empty()) ++out.skipped["the answer is empty"];
    else out.examples.push_back(Demonstration{std::move(conversation)});
}

FromRecord read_messages(Fields& record, const InputForm&) {
    FromRecord out;
    add_demonstration(out, record, record.messages(record.value("messages")));
    return out;
}

FromRecord read_sharegpt(Fields& record, const InputForm&) {
    FromRecord out;
    Conversation conversation = record.messages(record.value("conversations"));
    if (record.has("system")) {
        const std::string system = record.text("system");
        if (!system.empty()) conversation.insert(conversation.begin(), {"system", system});
    }
    add_demonstration(out, record, std::move(conversation));
    return out;
}

Conversation instructed(const std::string& system, const std::string& instruction, const std::string& input,
                        const std::string& answer, const InputForm& form) {
    const bool has_input = !stripped(input).empty();
    Conversation conversation;
    if (!system.empty()) conversation.push_back({"system", system});
    else if (has_input && !form.system.empty()) conversation.push_back({"system", form.system});
    conversation.push_back({"user", has_input ? instruction + form.heading + input : instruction});
    conversation.push_back({"assistant", answer});
    return conversation;
}

FromRecord read_alpaca(Fields& record, const InputForm& form) {
    FromRecord out;
    const std::string instruction = record.text("instruction"), system = record.text_or("system", "");
    const auto add = [&](Fields& instance) {
        const std::string input = instance.text_or("input", ""), answer = instance.text("output");
        add_demonstration(out, instance, instructed(system, instruction, input, answer, form));
        record.fail(instance.problem());
    };
    if (!record.has("instances")) {
        add(record);
        return out;
    }
    for (const Json& item : record.array("instances")) {
        if (!item.is_object()) record.fail("an instance is " + described(item) + ", where an object must be");
        if (!record.problem().empty()) break;
        Fields instance(item);
        add(instance);
    }
    return out;
}

FromRecord read_dolly(Fields& record, const InputForm& form) {
    FromRecord out;
    const std::string instruction = record.text("instruction"), context = record.text_or("context", "");
    add_demonstration(out, record, instructed("", instruction, context, record.text("response"), form));
    return out;
}

FromRecord read_prompt_completion(Fields& record, const InputForm&) {
    FromRecord out;
    const bool is_question = !record.has("prompt") && record.has("question");
    Conversation conversation = record.prompt(record.value(is_question ? "question" : "prompt"));
    const std::string answer = record.answer(record.value(is_question ? "answer" : "completion"), conversation);
    conversation.push_back({"assistant", answer});
    add_demonstration(out, record, std::move(conversation));
    return out;
}

FromRecord read_prompt(Fields& record, const InputForm&) {
    FromRecord out;
    Question prompt;
    const bool is_question = !record.has("prompt") && record.has("question");
    prompt.prompt = is_question ? record.prompt(record.value("question")) : record.prompt();
    prompt.reference = record.text_or("answer", "");
    if (record.problem().empty()) out.examples.push_back(std::move(prompt));
    return out;
}

FromRecord read_text(Fields& record, const InputForm&) {
    FromRecord out;
    PlainText text{record.text("text")};
    if (stripped(text.text).empty()) ++out.skipped["the text is empty"];
    else out.examples.push_back(std::move(text));
    return out;
}

}  // namespace

std::vector<Format> chat_formats() {
    return {
        {"prompts", Kind::prompt,
         [](const Json& r) {
             if (r.contains("messages")) return ends_with_question(r);
             if (r.contains("prompt")) return !r.contains("completion");
             return r.contains("question") && !r.contains("answer");
         },
         read_prompt},
        {"messages", Kind::demonstration, [](const Json& r) { return r.contains("messages"); }, read_messages},
        {"sharegpt", Kind::demonstration, [](const Json& r) { return r.contains("conversations"); }, read_sharegpt},
        {"alpaca", Kind::demonstration,
         [](const Json& r) {
             return has_all(r, {"instruction", "output"}) || has_all(r, {"instruction", "instances"});
         },
         read_alpaca},
        {"dolly", Kind::demonstration,
         [](const Json& r) {
             return has_all(r, {"instruction", "response"});
         },
         read_dolly},
        {"prompt-completion", Kind::demonstration,
         [](const Json& r) {
             return has_all(r, {"prompt", "completion"}) || has_all(r, {"question", "answer"});
         },
         read_prompt_completion},
        {"text", Kind::text, [](const Json& r) { return r.contains("text"); }, read_text},
    };
}

}  // namespace gradus
