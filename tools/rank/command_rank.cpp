// gradus rank: people rank answers, in a browser or in the terminal.
#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "align/collect/rater_report.h"
#include "align/examples/reader.h"
#include "engine/base/log.h"
#include "engine/base/plural.h"
#include "engine/base/signals.h"
#include "tools/align/simulated_rankings.h"
#include "tools/ending.h"
#include "tools/rank/sampled_answers.h"
#include "tools/rank/server.h"
#include "tools/rank/terminal.h"

namespace gradus {

namespace {

struct RankCommand {
    std::string prompts, answers, out, format, rater;
    SampleAnswers sample;
    RankSchedule schedule;
    int port = 7788;
    bool terminal = false, report = false, simulated = false;
    double noise = SimulatedRanking{}.noise;
};

void check_options(const RankCommand& o) {
    if (o.report) return;
    const bool of_model = !o.sample.model.empty();
    if (of_model && !o.answers.empty())
        throw UsageError("a MODEL and --answers are both given", "the answers come from a model or from a file",
                         "leave one of them out");
    if (!of_model && o.answers.empty())
        throw UsageError("there are no answers to rank", "neither MODEL nor --answers is given",
                         "gradus rank MODEL --prompts FILE --out FILE.jsonl, or gradus rank --answers FILE --out "
                         "FILE.jsonl");
    if (of_model == o.prompts.empty())
        throw UsageError(of_model ? "there are no prompts" : "--prompts needs a MODEL",
                         of_model ? "MODEL answers the prompts of a file" : "a file of answers has its own prompts",
                         of_model ? "--prompts FILE" : "leave out --prompts, or name a MODEL instead of --answers");
    if (!o.terminal && !o.rater.empty())
        throw UsageError("--rater is for the terminal", "on the page each person types a name",
                         "add --terminal, or leave out --rater");
}

std::optional<CandidateList> candidates_of(const RankCommand& o, const fs::path& cache) {
    if (!o.answers.empty()) return read_candidates(o.answers);
    const ExampleFile file =
        read_examples(o.prompts, {.format = o.format, .form = {}}, Needs{Kind::prompt, "gradus rank"});
    std::vector<Conversation> prompts;
    for (size_t i = 0; i < file.examples.size(); ++i) prompts.push_back(file.at<Question>(i).prompt);
    use_threads(o.sample.compute.threads);
    return sampled_answers(prompts, o.sample, cache);
}

void serve(Session& session, RankingFile& file, int port) {
    RankService service(session, file);
    const RankServer server(service, port);
    tell("open in a browser on this machine; Ctrl-C ends\n\n  " + server.address() + "\n");
    while (!stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

// Simulated rankings replace the file, since they can be made again. Those of people cannot.
void refuse_to_replace_people(const fs::path& out) {
    if (!fs::exists(out)) return;
    const std::vector<Ranking> present = read_rankings(out);
    if (!std::all_of(present.begin(), present.end(), [](const Ranking& r) { return r.simulated; }))
        throw Error("'" + out.string() + "' has rankings that people gave", "simulated rankings would replace them",
                    "name another file: --out FILE.jsonl");
}

// --simulated: the rater is a program, and every ranking says so.
void rank_simulated(const RankCommand& o) {
    if (o.sample.model.empty())
        throw UsageError("--simulated needs a MODEL", "the simulated rater ranks what a model answers",
                         "gradus rank MODEL --prompts FILE --simulated --out FILE.jsonl");
    refuse_to_replace_people(o.out);
    use_threads(o.sample.compute.threads);
    SimulatedRanking s = {.model = o.sample.model, .prompts = o.prompts, .out = o.out, .noise = o.noise};
    s.answers.chat_template = o.sample.chat_template;
    s.answers.format = o.format;
    s.answers.samples = o.sample.samples;
    s.answers.rollout = {.max_tokens = o.sample.generate.max_tokens,
                         .temperature = o.sample.generate.sampling.temperature,
                         .seed = o.schedule.seed};
    write_simulated_rankings(s, ops_of(o.sample.compute.device), parse_dtype(o.sample.compute.dtype));
}

void rank(const RankCommand& o) {
    check_options(o);
    if (o.simulated) return rank_simulated(o);
    if (o.report) return tell(text_of(report_of(read_rankings(o.out))));
    install_stop_signals();
    const fs::path cache = answers_beside(o.out);
    RankingFile file(o.out);
    const std::optional<CandidateList> list = candidates_of(o, cache);
    if (!list) return tell("stopped; the answers so far are in '" + cache.string() + "'; the same command continues\n");
    require_candidates(*list, o.answers.empty() ? cache : fs::path(o.answers));
    if (const std::string skipped = list->skipped(); !skipped.empty()) note(skipped);
    if (!file.rankings().empty())
        tell(fmt::format("'{}' has {}; they count\n", o.out, number_of(int64_t(file.rankings().size()), "ranking")));
    Session session(list->all(), file.rankings(), o.schedule);
    if (o.terminal) rank_in_terminal(session, file, o.rater);
    else serve(session, file, o.port);
    tell(text_of(report_of(file.rankings())));
    tell("the rankings are in '" + o.out + "'; the same command continues\n");
}

}  // namespace

void add_rank_command(CLI::App& app) {
    auto o = std::make_shared<RankCommand>();
    SampleAnswers& s = o->sample;
    CLI::App* command = app.add_subcommand(
        "rank",
        "Lets people rank answers to prompts, in a browser or in the terminal. Each ranking is on the disk before the "
        "next\nprompt is shown, and the same command continues where an earlier one ended.\n\n"
        "Example: gradus rank runs/chat --prompts questions.jsonl --out rankings.jsonl");
    command->add_option("MODEL", s.model,
                        "answers the prompts: folder of a run, a checkpoint, or a Hugging Face model");
    command->add_option("--prompts", o->prompts, "data set whose prompts are answered (.jsonl, .json; .gz, .zst)");
    command->add_option("--answers", o->answers,
                        "instead of MODEL and --prompts: JSON lines with prompt or messages, and answers");
    command->add_option("--out", o->out, "file of the rankings (.jsonl); new ones are appended")->required();
    command->add_option("--format", o->format, "format of --prompts; without it, detected");
    command->add_option("--samples", s.samples, "answers to each prompt")
        ->transform(whole_between(2, 64))
        ->capture_default_str();
    command
        ->add_option("--temperature", s.generate.sampling.temperature,
                     "divides the logits: below 1 less random, above 1 more")
        ->check(number_between(0, 100))
        ->capture_default_str();
    command->add_option("-n,--max-tokens", s.generate.max_tokens, "longest answer in tokens")
        ->transform(whole_between(1, 1 << 24))
        ->capture_default_str();
    command->add_option("--template", s.chat_template, "chat template: a name or a file; without it, the model's own");
    command->add_option("--overlap", o->schedule.overlap, "share of the prompts that every rater is shown")
        ->check(number_between(0, 1))
        ->capture_default_str();
    command->add_option("--seed", o->schedule.seed, "of the answers, the order of the prompts and of their answers")
        ->transform(whole_between(0, UINT64_MAX))
        ->capture_default_str();
    command->add_option("--port", o->port, "of the page, on this machine only; 0: any free one")
        ->transform(whole_between(0, 65535))
        ->capture_default_str();
    command->add_flag("--terminal", o->terminal, "rank here instead of in a browser");
    command->add_option("--rater", o->rater, "name to save with the rankings, with --terminal; without it, asked for");
    command->add_flag("--report", o->report, "only print what --out says about its raters and their agreement");
    command->add_flag("--simulated", o->simulated,
                      "rank by a declared simulated rater (align/raters/description_rater.h), to try the whole chain; "
                      "every ranking says so");
    command->add_option("--noise", o->noise, "of the simulated rater: scale of the noise on its utility")
        ->check(number_between(0, 100))
        ->capture_default_str();
    add_compute_options(*command, s.compute);
    command->callback([o] {
        o->sample.generate.sampling.seed = o->schedule.seed;
        rank(*o);
    });
}

}  // namespace gradus
