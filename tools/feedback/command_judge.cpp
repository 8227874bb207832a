// gradus judge: soft labels of pairs of answers, from a model that compares them.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "engine/base/log.h"
#include "engine/base/plural.h"
#include "engine/base/signals.h"
#include "tools/align/answers.h"
#include "tools/cli.h"
#include "tools/ending.h"
#include "tools/feedback/judge_answers.h"

namespace gradus {

namespace {

struct JudgeCommand {
    JudgeAnswers judging;
    std::string answers, prompts, format;
    SampleAnswers policy;
    bool json = false;
};

void check_options(const JudgeCommand& o) {
    const bool of_policy = !o.policy.models.empty();
    if (of_policy != o.answers.empty())
        throw UsageError(
            of_policy ? "--policy and --answers are both given" : "there are no answers to compare",
            of_policy ? "the answers come from a model or from a file" : "neither --answers nor --policy is given",
            of_policy ? "leave one of them out" : "--answers FILE.jsonl, or --policy MODEL --prompts FILE.jsonl");
    if (of_policy == o.prompts.empty())
        throw UsageError(
            of_policy ? "--policy has no prompts to answer" : "--prompts needs --policy",
            of_policy ? "the policy answers the prompts of a file" : "a file of answers has its own prompts",
            of_policy ? "--prompts FILE.jsonl" : "--policy MODEL, or leave out --prompts");
}

// Empty: a stop was requested.
std::optional<AnswerSets> answer_sets(const JudgeCommand& o) {
    if (!o.answers.empty()) return read_answer_sets(o.answers);
    AnswerOptions reading;
    reading.format = o.format;
    const std::vector<Conversation> prompts = read_questions(o.prompts, reading, "gradus judge");
    const fs::path cache = answers_beside(o.judging.out);
    const std::optional<CandidateList> list = sampled_answers(prompts, o.policy, o.judging.out);
    if (!list) return std::nullopt;
    require_candidates(*list, cache);
    if (const std::string skipped = list->skipped(); !skipped.empty()) note(skipped);
    return answer_sets_of(*list);
}

nlohmann::ordered_json json_of(const JudgedAnswers& judged) {
    const JudgeStatistics& s = judged.statistics;
    const auto [low, high] = s.ranking.interval();
    const bool ranked = s.ranking.all > 0;
    const auto value = [&](double x) { return ranked ? nlohmann::ordered_json(x) : nlohmann::ordered_json(); };
    return {{"pairs", int64_t(s.pairs)},
            {"left_out", judged.left_out},
            {"agreement_of_orders", s.agreement()},
            {"position", s.position.mean},
            {"position_standard_error", s.position.standard_error()},
            {"entropy", s.entropy.mean},
            {"ties", int64_t(s.ties)},
            {"bounds", int64_t(s.bounds)},
            {"ranked_pairs", int64_t(s.ranking.all)},
            {"agreement_with_ranking", value(s.ranking.share())},
            {"agreement_with_ranking_low", value(low)},
            {"agreement_with_ranking_high", value(high)}};
}

void judge(JudgeCommand o) {
    check_options(o);
    install_stop_signals();
    use_threads(o.judging.compute.threads);
    o.policy.compute = o.judging.compute;
    o.policy.generate.sampling.seed = o.judging.seed;
    const std::optional<AnswerSets> sets = answer_sets(o);
    if (!sets) return tell("stopped; the answers so far are kept; the same command continues\n");
    if (const std::string skipped = sets->skipped_text(); !skipped.empty()) note(skipped);
    const JudgedAnswers judged = judge_answers(*sets, o.judging);
    if (judged.complete && judged.statistics.pairs == 0)
        throw Error("no pair of answers can be judged",
                    number_of(judged.left_out, "pair") + " with the request do not fit into the judge's context",
                    "name a judge with a longer context, or shorten the request: --wording FILE.toml");
    if (judged.left_out > 0)
        note(fmt::format("left out: {} that do not fit into the judge's context", number_of(judged.left_out, "pair")));
    fmt::print("{}", o.json ? json_of(judged).dump() + "\n" : text_of(judged.statistics));
    if (!judged.complete) return note("stopped; what is judged is kept, and the same command continues");
    if (!o.json) tell(fmt::format("done: gradus reward --reward.data='[\"{0}\"]', or gradus dpo\n", o.judging.out));
}

}  // namespace

void add_judge_command(CLI::App& app) {
    auto o = std::make_shared<JudgeCommand>();
    JudgeAnswers& j = o->judging;
    CLI::App* command =
        app.add_subcommand("judge",
                           "Compares pairs of answers with a model as the judge. Each pair is shown in both orders, "
                           "under a principle that is "
                           "drawn for it, and the\nprobabilities of the two labels become a soft label: preference "
                           "pairs for gradus reward and "
                           "gradus dpo (AI feedback). What is judged is\nkept, and the same command continues where an "
                           "earlier one ended.\n\n"
                           "Example: gradus judge runs/sft --answers rankings.jsonl --out preferences.jsonl");
    command
        ->add_option("JUDGE", j.judge.name,
                     "folder of a run, a checkpoint or a Hugging Face model; or the address of a server with OpenAI's "
                     "interface: http://127.0.0.1:8000/v1")
        ->required();
    command->add_option(
        "--answers", o->answers,
        "JSON lines with prompt or messages, and answers; or preference pairs or rankings, with which the "
        "judge's labels are compared");
    command->add_option("--out", j.out, "file of the preference pairs (.jsonl)")->required();
    command->add_option("--principles", j.principles,
                        "one principle a line (docs/formats.md); default: the included ones");
    command->add_option("--wording", j.wording, "what the judge is asked, a TOML file (docs/formats.md)");
    command
        ->add_option("--clamp", j.clamp, "probabilities are kept within 1 - P and P: 0.6 for labels that are too sure")
        ->check(number_between(0.5, 1))
        ->capture_default_str();
    command->add_option("--seed", j.seed, "of the principles that are drawn, and of the policy's answers")
        ->transform(whole_between(0, UINT64_MAX))
        ->capture_default_str();
    command->add_option("--template", j.judge.chat_template, "the judge's chat template; default: the model's own");
    add_server_options(*command, j.judge);
    command->add_option("--endpoint", j.judge.endpoint, "of a server: what the judge is asked through")
        ->transform(one_of_words({"chat", "completions"}))
        ->capture_default_str();
    command
        ->add_option("--policy", o->policy.models,
                     "instead of --answers: a model that answers the prompts; given again, another one shares them")
        ->allow_extra_args(false);
    command->add_option("--prompts", o->prompts, "with --policy: data set whose prompts are answered");
    command->add_option("--format", o->format, "format of --prompts; without it, detected");
    command->add_option("--policy-template", o->policy.chat_template, "the policy's chat template; default: its own");
    command->add_option("--samples", o->policy.samples, "with --policy: answers to each prompt")
        ->transform(whole_between(2, 64))
        ->capture_default_str();
    command
        ->add_option("--temperature", o->policy.generate.sampling.temperature,
                     "with --policy: divides the logits: below 1 less random, above 1 more")
        ->check(number_between(0, 100))
        ->capture_default_str();
    command->add_option("-n,--max-tokens", o->policy.generate.max_tokens, "with --policy: longest answer in tokens")
        ->transform(whole_between(1, 1 << 24))
        ->capture_default_str();
    command->add_flag("--json", o->json, "print the statistics as a JSON object");
    add_compute_options(*command, j.compute);
    command->callback([o] { judge(*o); });
}

}  // namespace gradus
