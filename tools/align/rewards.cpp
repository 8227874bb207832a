#include "tools/align/rewards.h"

#include <fmt/format.h>
#include <regex.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "tokenizer/stream_decoder.h"
#include "tools/align/reward_program.h"

namespace gradus {

namespace {

nlohmann::json prompt_as_json(const Conversation& prompt) {
    if (prompt.size() == 1) return prompt.front().content;
    nlohmann::json messages = nlohmann::json::array();
    for (const Message& m : prompt) messages.push_back({{"role", m.role}, {"content", m.content}});
    return messages;
}

// An extended regular expression of POSIX: the C library's matcher takes no stack for long texts.
class Expression {
public:
    Expression(const std::string& pattern, const std::string& option) {
        const int problem = ::regcomp(&compiled_, pattern.c_str(), REG_EXTENDED);
        if (problem == 0) return;
        char text[200] = {};
        ::regerror(problem, &compiled_, text, sizeof text);
        throw Error(fmt::format("the expression '{}' cannot be understood", pattern), text,
                    option + "EXPRESSION, as grep -E takes it");
    }
    ~Expression() { ::regfree(&compiled_); }
    Expression(const Expression&) = delete;
    Expression& operator=(const Expression&) = delete;

    // What its first group matches, or all of it where it has none; nothing: it is not in the text.
    std::optional<std::string> found_in(const std::string& text) const {
        regmatch_t at[2] = {};
        if (::regexec(&compiled_, text.c_str(), 2, at, 0) != 0) return std::nullopt;
        const regmatch_t& m = at[compiled_.re_nsub > 0 && at[1].rm_so >= 0 ? 1 : 0];
        return text.substr(size_t(m.rm_so), size_t(m.rm_eo - m.rm_so));
    }

private:
    regex_t compiled_;
};

}  // namespace

std::string text_to_judge(const ChatEncoder& chat, const Rollout& r) {
    const std::span<const int32_t> ids(r.text.ids.data() + r.prompt_length, size_t(r.answer_length()));
    return replace_invalid_utf8(chat.answer_of(ids).text);
}

std::string line_to_judge(const Conversation& prompt, const std::string& response, const std::string& reference) {
    const nlohmann::ordered_json line = {
        {"prompt", prompt_as_json(prompt)}, {"response", response}, {"reference", reference}};
    return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::function<std::optional<double>(const std::string&, const std::string&)> comparison(const Comparison& c) {
    const auto pattern = c.pattern.empty() ? nullptr : std::make_shared<const Expression>(c.pattern, c.option);
    if (!c.exact)
        return [pattern](const std::string& text, const std::string&) -> std::optional<double> {
            return pattern->found_in(text) ? 1 : 0;
        };
    return [pattern](const std::string& text, const std::string& reference) -> std::optional<double> {
        if (reference.empty()) return std::nullopt;
        std::optional<std::string> here = text, right = reference;
        if (pattern) {
            here = pattern->found_in(text);
            if (const auto found = pattern->found_in(reference)) right = found;
        }
        return here && stripped(*here) == stripped(*right) ? 1 : 0;
    };
}

Reward reward_by_comparison(const AlignedRun& run, const PolicyPrompts& prompts) {
    const GrpoSettings& s = run.resolved().config.grpo;
    if (s.exact && std::all_of(prompts.references.begin(), prompts.references.end(),
                               [](const std::string& r) { return r.empty(); }))
        throw Error("no prompt has a reference to compare answers with", "grpo.exact = true",
                    "add the right answer to each prompt: {\"prompt\": TEXT, \"answer\": TEXT}");
    return [&chat = run.chat(), &prompts, score = comparison({s.exact, s.pattern})](
               const std::vector<int>& chosen, const std::vector<Rollout>& answers) {
        AnswerScores all;
        for (size_t i = 0; i < answers.size(); ++i) {
            const auto one = score(text_to_judge(chat, answers[i]), prompts.references[size_t(chosen[i])]);
            if (one) all.add(*one);
            else all.add_none();
        }
        return all;
    };
}

Reward reward_by_program(const AlignedRun& run, const PolicyPrompts& prompts) {
    const GrpoSettings& s = run.resolved().config.grpo;
    const auto program = run.is_first() ? std::make_shared<RewardProgram>(s.reward_command, s.reward_seconds) : nullptr;
    return [program, &chat = run.chat(), &prompts, world = run.mesh().world](const std::vector<int>& chosen,
                                                                             const std::vector<Rollout>& answers) {
        AnswerScores all;
        if (program) {
            std::vector<std::string> lines;
            for (size_t i = 0; i < answers.size(); ++i) {
                const auto prompt = size_t(chosen[i]);
                lines.push_back(
                    line_to_judge(prompts.texts[prompt], text_to_judge(chat, answers[i]), prompts.references[prompt]));
            }
            all = program->scores(lines);
        }
        std::vector<double> numbers(2 * answers.size(), 0.0);  // the other ranks' are 0
        for (size_t i = 0; i < all.scores.size(); ++i) {
            numbers[2 * i] = all.scores[i];
            numbers[2 * i + 1] = all.scored[i];
        }
        world.sum(std::span(numbers));
        all = {};
        for (size_t i = 0; i < answers.size(); ++i) {
            if (numbers[2 * i + 1] > 0) all.add(numbers[2 * i]);
            else all.add_none();
        }
        return all;
    };
}

}  // namespace gradus
