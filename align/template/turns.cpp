#include "align/template/turns.h"

#include "engine/base/error.h"

namespace gradus {

namespace {

class SegmentWriter {
public:
    explicit SegmentWriter(const ChatTemplate& t) : template_(t), answer_(answer_pattern(t)) {}

    void pattern(const std::string& text, int answer = -1) { add(text, Segment::From::pattern, answer); }

    void message(const std::string& role, const std::string& content, int answer = -1) {
        add(template_.trims(role) ? std::string(stripped(content)) : content, Segment::From::message, answer);
    }

    // A pattern with one or two messages inside.
    void turn(const std::string& role, const std::string& pattern_text, const std::string& content) {
        const Halves halves = split_at(pattern_text, "{content}");
        pattern(halves.before);
        message(role, content);
        pattern(halves.after);
    }

    void first_user(const std::string& system, const std::string& content) {
        const Halves halves = split_at(template_.first_user, "{system}");
        pattern(halves.before);
        message("system", system);
        turn("user", halves.after, content);
    }

    void generation_prompt() { pattern(answer_.header); }

    void answer(const std::string& content, int index) {
        generation_prompt();
        pattern(answer_.before, index);
        message("assistant", content, index);
        pattern(answer_.end, index);
        pattern(answer_.after);
    }

    std::vector<Segment> take() { return std::move(segments_); }

private:
    void add(std::string text, Segment::From from, int answer) {
        if (!text.empty()) segments_.push_back({std::move(text), from, answer});
    }

    const ChatTemplate& template_;
    AnswerPattern answer_;
    std::vector<Segment> segments_;
};

}  // namespace

std::vector<Segment> segments_of(const Conversation& conversation, const ChatTemplate& t, LastMessage last) {
    check_conversation(conversation, last);
    const bool has_system = conversation[0].role == "system";
    if (has_system && t.system.empty() && t.first_user.empty())
        throw Error("the chat template '" + t.name + "' has no place for a system message",
                    "the conversation begins with one", "remove the system message, or use another template");
    const bool with_system = has_system || !t.default_system.empty();
    const std::string& system = has_system ? conversation[0].content : t.default_system;

    SegmentWriter out(t);
    out.pattern(t.opening);
    if (with_system && t.first_user.empty()) out.turn("system", t.system, system);
    const size_t first = has_system ? 1 : 0;
    for (size_t i = first; i < conversation.size(); ++i) {
        const auto& [role, content] = conversation[i];
        if (role == "assistant") {
            out.answer(content, int(i));
            continue;
        }
        if (i > first) out.pattern(t.between);
        if (i == first && with_system && !t.first_user.empty()) out.first_user(system, content);
        else out.turn("user", t.user, content);
    }
    if (last == LastMessage::question) out.generation_prompt();
    return out.take();
}

std::string text_of(const std::vector<Segment>& segments) {
    std::string text;
    for (const Segment& s : segments) text += s.text;
    return text;
}

}  // namespace gradus
