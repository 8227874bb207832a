#include "align/template/jinja.h"

#include <vector>

namespace gradus {

namespace {

std::string quoted_in_jinja(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\n') out += "\\n";
        else if (c == '\t') out += "\\t";
        else if (c == '\r') out += "\\r";
        else if (c == '\\' || c == '\'') (out += '\\') += c;
        else out += c;
    }
    return out + "'";
}

// {{ 'text' + expression + … }}; empty texts are left out.
class Expression {
public:
    Expression& text(const std::string& fixed) {
        if (!fixed.empty()) add(quoted_in_jinja(fixed));
        return *this;
    }
    Expression& value(const std::string& name, bool trim) {
        add(trim ? "(" + name + " | trim)" : name);
        return *this;
    }
    std::string written() const { return sum_.empty() ? "" : "{{ " + sum_ + " }}"; }

private:
    void add(const std::string& term) { sum_ += (sum_.empty() ? "" : " + ") + term; }
    std::string sum_;
};

std::string written(const std::string& fixed) { return Expression().text(fixed).written(); }

std::string one_message(const std::string& pattern, const std::string& name, bool trim) {
    const Halves halves = split_at(pattern, "{content}");
    return Expression().text(halves.before).value(name, trim).text(halves.after).written();
}

std::string first_message(const ChatTemplate& t) {
    const Halves system = split_at(t.first_user, "{system}"), user = split_at(system.after, "{content}");
    return Expression()
        .text(system.before)
        .value("system", t.trims("system"))
        .text(user.before)
        .value("message['content']", t.trims("user"))
        .text(user.after)
        .written();
}

}  // namespace

std::string jinja_of(const ChatTemplate& t, Answers answers) {
    const AnswerPattern answer = answer_pattern(t);
    const bool has_place = !t.system.empty() || !t.first_user.empty();
    const std::string absent = t.default_system.empty() ? "none" : quoted_in_jinja(t.default_system);
    std::string out;
    if (has_place)
        out +=
            "{% if messages and messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}"
            "{% set turns = messages[1:] %}{% else %}{% set system = " +
            absent + " %}{% set turns = messages %}{% endif %}";
    else out += "{% set turns = messages %}";
    out += written(t.opening);
    if (!t.system.empty())
        out += "{% if system is not none %}" + one_message(t.system, "system", t.trims("system")) + "{% endif %}";
    out +=
        "{% for message in turns %}{% if message['role'] != ('user' if loop.index0 % 2 == 0 else 'assistant') %}"
        "{{ raise_exception('After an optional system message, user and assistant must alternate') }}{% endif %}"
        "{% if message['role'] == 'user' %}";
    if (!t.between.empty()) out += "{% if not loop.first %}" + written(t.between) + "{% endif %}";
    const std::string user = one_message(t.user, "message['content']", t.trims("user"));
    if (t.first_user.empty()) out += user;
    else out += "{% if loop.first and system is not none %}" + first_message(t) + "{% else %}" + user + "{% endif %}";
    out += "{% else %}" + written(answer.header);
    out += answers == Answers::marked ? "{% generation %}" : "";
    out +=
        Expression().text(answer.before).value("message['content']", t.trims("assistant")).text(answer.end).written();
    out += answers == Answers::marked ? "{% endgeneration %}" : "";
    out += written(answer.after) + "{% endif %}{% endfor %}";
    if (!answer.header.empty()) out += "{% if add_generation_prompt %}" + written(answer.header) + "{% endif %}";
    return out;
}

}  // namespace gradus
