// gradus best: the best of n answers to each prompt, as demonstrations (best-of-n, rejection sampling).
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "align/collect/candidates.h"
#include "align/samples/samples.h"
#include "engine/base/log.h"
#include "engine/base/plural.h"
#include "tools/align/answers.h"
#include "tools/align/best_answers.h"
#include "tools/align/scorer.h"
#include "tools/cli.h"
#include "tools/device.h"
#include "tools/ending.h"
#include "tools/ranks.h"
#include "tools/sampling_options.h"

namespace gradus {

namespace {

constexpr size_t answers_of_a_call = 1024;  // at least: sampled before the first of them is judged

struct BestCommand {
    std::string model, prompts, out, chat_template, format;
    int64_t count = 0;
    int at_once = 64;
    ScorerOptions scorer;
    BestOptions best;
    GenerateOptions generate;
    ComputeOptions compute;
    double least_score = 0;
    bool json = false;
};

void check_options(const BestCommand& o) {
    check_scorer(o.scorer);
    validate(o.generate.sampling);
    if (o.best.keep > o.best.answers)
        throw UsageError(fmt::format("{} answers cannot be kept of {}", o.best.keep, o.best.answers),
                         "--keep is larger than --n", fmt::format("--keep {}", o.best.answers));
    std::error_code ignored;
    if (fs::exists(o.out, ignored))
        throw Error("'" + o.out + "' exists", "the demonstrations would replace it",
                    "name another file: --out OTHER.jsonl, or remove it");
    AtomicFile writable(o.out);  // an Error before the work
    if (o.best.answers > 1 && o.generate.sampling.temperature == 0)
        note("--temperature 0: all answers to a prompt are the same");
}

struct BestPrompts {
    std::vector<Question> texts;
    std::vector<std::vector<int32_t>> ids;
};

// The prompts that leave room for an answer in `context` ids. One that occurs again would get the same answers.
BestPrompts encoded(std::vector<Question> all, const ChatEncoder& chat, int context, int max_tokens) {
    if (context <= max_tokens)
        throw Error(fmt::format("answers of {} tokens leave no room for a prompt", max_tokens),
                    fmt::format("the context of the model, or of the reward model, is {} tokens", context),
                    fmt::format("--max-tokens {}", context / 2));
    BestPrompts prompts;
    std::set<uint64_t> seen;
    int64_t repeated = 0, too_long = 0;
    for (Question& q : all) {
        if (!seen.insert(identity_of(q.prompt, {})).second) {
            ++repeated;
            continue;
        }
        std::vector<int32_t> ids = fitted_prompt(q.prompt, chat, context - max_tokens);
        if (ids.empty()) {
            ++too_long;
            continue;
        }
        prompts.texts.push_back(std::move(q));
        prompts.ids.push_back(std::move(ids));
    }
    const std::string not_fitting =
        fmt::format("{} that cannot be shortened to {} tokens", number_of(too_long, "prompt"), context - max_tokens);
    if (prompts.ids.empty())
        throw Error("there are no prompts to answer", "there are " + not_fitting, "lower --max-tokens");
    if (repeated > 0) note(fmt::format("left out: {} that occurred before", number_of(repeated, "prompt")));
    if (too_long > 0) note("left out: " + not_fitting);
    return prompts;
}

std::vector<Question> read_prompts_of(const BestCommand& o) {
    const ExampleFile file = read_examples(o.prompts, {.format = o.format}, Needs{Kind::prompt, "gradus best"});
    std::vector<Question> all;
    for (size_t i = 0; i < file.examples.size() && (o.count == 0 || int64_t(i) < o.count); ++i)
        all.push_back(file.at<Question>(i));
    return all;
}

// Samples, judges and chooses. Returns the lines of the answers that are kept.
std::string choose(const BestCommand& o, AnsweringModel& model, const BestPrompts& prompts, const Scorer& scorer,
                   int context, BestAnswers& best) {
    const size_t n = size_t(o.best.answers), all = prompts.ids.size();
    GenerateOptions options = o.generate;
    options.ends_of_text = {model.chat().end_of_turn()};
    Generator generator(model.model(), {.sequences = int(std::min(size_t(o.at_once), n * all)),
                                        .context = context,
                                        .rows = std::max(128, 2 * o.at_once)});
    const size_t together = std::max<size_t>(1, answers_of_a_call / n);
    ProgressLine progress("answered");
    std::string lines;
    for (size_t first = 0; first < all; first += together) {
        const size_t last = std::min(first + together, all);
        std::vector<Prompt> requests;
        std::vector<const Question*> asked;
        for (size_t p = first; p < last; ++p) {
            // A stream of the prompt itself, so that its answers do not depend on the others.
            const uint64_t stream = identity_of(prompts.texts[p].prompt, {});
            for (size_t i = 0; i < n; ++i) {
                requests.push_back({prompts.ids[p], stream + i});
                asked.push_back(&prompts.texts[p]);
            }
        }
        const std::vector<Rollout> rollouts = roll_out(generator, requests, options);
        std::vector<std::string> texts;
        for (const Rollout& r : rollouts) texts.push_back(model.text_of(r));
        const AnswerScores scores = scorer.scores(asked, texts);
        for (size_t p = first; p < last; ++p) {
            std::vector<ScoredAnswer> answers;
            for (size_t i = (p - first) * n; i < (p - first + 1) * n; ++i)
                answers.push_back({.text = texts[i],
                                   .score = scores.scored[i] ? std::optional(scores.scores[i]) : std::nullopt,
                                   .ended = rollouts[i].ended});
            lines += best.add(prompts.texts[p].prompt, answers);
        }
        progress.update(double(last), double(all), "prompts");
    }
    return lines;
}

void require_one_process() {
    const MpiWorld world;
    if (world.rank() > 0) silence_output();
    on_ranks(world, [&] {
        if (world.size() > 1)
            throw Error("gradus best runs as one process", fmt::format("mpirun started {}", world.size()),
                        "leave out mpirun; or start one for each part of the prompts, with an --out of its own");
    });
}

void best_answers(const BestCommand& o) {
    require_one_process();
    check_options(o);
    use_threads(o.compute.threads);
    if (o.json) silence_output();
    const Ops& ops = ops_of(o.compute.device);
    const DType dtype = parse_dtype(o.compute.dtype);
    std::vector<Question> read = read_prompts_of(o);
    AnsweringModel model(o.model, o.chat_template, ops, dtype, {});
    const Scorer scorer = make_scorer(o.scorer, model.chat(), read, ops, dtype);
    const int context = std::min(model.folder().config.context, scorer.context);
    const BestPrompts prompts = encoded(std::move(read), model.chat(), context, o.generate.max_tokens);
    tell(fmt::format("sampling {} to each of {}\n", number_of(o.best.answers, "answer"),
                     number_of(int64_t(prompts.ids.size()), "prompt")));
    BestAnswers best(o.best);
    const std::string lines = choose(o, model, prompts, scorer, context, best);
    const BestSummary s = best.summary();
    if (!lines.empty()) write_file_atomically(o.out, lines);
    if (o.json) fmt::print("{}\n", json_of(s));
    else tell(text_of(s));
    if (lines.empty())
        throw Error(
            "no answer is good enough, and '" + o.out + "' was not written",
            fmt::format("{} whose best answer scores too low, {} without an answer that ended and has a score",
                        number_of(s.below_least, "prompt"), s.without_candidate),
            s.below_least > 0 ? "a lower --min-score, or a larger --n" : "a larger --max-tokens, or --keep-unfinished");
    tell(fmt::format("\ndone: gradus sft --sft.data={}\n", o.out));
}

}  // namespace

void add_best_command(CLI::App& app) {
    auto o = std::make_shared<BestCommand>();
    CLI::App* command = app.add_subcommand(
        "best",
        "Samples n answers to each prompt and keeps the best as demonstrations for gradus sft (best-of-n, rejection "
        "sampling). They are\n"
        "chosen by a reward model, a program, or a comparison with the prompt's reference. Prints what the best of k = "
        "1, 2, "
        "4, … n answers\n"
        "would score.\n\n"
        "Example: gradus best runs/sft --reward runs/reward --prompts questions.jsonl --n 16 --out best.jsonl");
    command
        ->add_option("MODEL", o->model, "answers the prompts: folder of a run, a checkpoint, or a Hugging Face model")
        ->required();
    command->add_option("--prompts", o->prompts, "data set whose prompts are answered (.jsonl, .json; .gz, .zst)")
        ->required();
    command->add_option("--out", o->out, "file of the demonstrations (.jsonl), which must not exist")->required();
    command->add_option("--reward", o->scorer.reward,
                        "folder of a reward model (gradus reward) that scores the answers");
    command->add_option("--reward-command", o->scorer.command,
                        "instead of --reward: a program that scores them (grpo.reward_command)");
    command->add_option("--reward-seconds", o->scorer.seconds, "longest time that it may take for 1024 answers or --n")
        ->check(number_between(0.01, 1e6))
        ->capture_default_str();
    command->add_flag("--exact", o->scorer.exact,
                      "instead of --reward: 1 for an answer that is the reference of its prompt, 0 for another");
    command->add_option(
        "--pattern", o->scorer.pattern,
        "instead of --reward: 1 for an answer in which this extended regular expression is found, 0 for "
        "another; with --exact, what its first group matches is compared");
    command->add_option("--n", o->best.answers, "answers to each prompt")
        ->transform(whole_between(1, 1 << 16))
        ->capture_default_str();
    command->add_option("--keep", o->best.keep, "answers to keep of each prompt, the best ones")
        ->transform(whole_between(1, 1 << 16))
        ->capture_default_str();
    CLI::Option* least = command->add_option("--min-score", o->least_score, "keep no answer that scores less");
    command->add_flag("--keep-unfinished", o->best.keep_unfinished,
                      "keep also answers that do not end within --max-tokens");
    command->add_option("--format", o->format, "format of --prompts; without it, detected");
    command->add_option("--count", o->count, "prompts, the first ones of the file; 0: all")
        ->transform(whole_between(0, INT64_MAX))
        ->capture_default_str();
    command->add_option("-n,--max-tokens", o->generate.max_tokens, "longest answer in tokens, its end included")
        ->transform(whole_between(1, 1 << 24))
        ->capture_default_str();
    add_sampling_options(*command, o->generate.sampling);
    command->add_option("--at-once", o->at_once, "answers that are generated at once")
        ->transform(whole_between(1, 1 << 16))
        ->capture_default_str();
    command->add_option("--template", o->chat_template, "chat template: a name or a file; without it, the model's own");
    add_compute_options(*command, o->compute);
    command->add_flag("--json", o->json, "print the counts and the curve as a JSON object");
    command->callback([o, least] {
        if (least->count() > 0) o->best.least_score = o->least_score;
        best_answers(*o);
    });
}

}  // namespace gradus
