// gradus stages: the stages of one model side by side.
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "align/batches/language_pass.h"
#include "align/raters/description_rater.h"
#include "engine/base/json_text.h"
#include "engine/base/log.h"
#include "engine/base/one_line.h"
#include "tokenizer/unicode.h"
#include "tools/align/answers.h"
#include "tools/align/reward_model.h"
#include "tools/align/same_tokenizer.h"
#include "tools/cli.h"
#include "tools/device.h"

namespace gradus {

namespace {

constexpr size_t printed_prompts = 3, written_prompts = 8;  // whose answers are shown, and are in the file

struct StagesCommand {
    std::vector<std::string> models;  // NAME=FOLDER
    std::string prompts, reward, reference, out, bits;
    AnswerOptions answers{.count = 256};
    ComputeOptions compute;
};

struct StageRow {
    std::string stage, model;
    double names = 0, ends = 0, sentence = 0, fresh = 0, utility = 0, length = 0;
    std::optional<double> score, kl, bits;  // where they are asked for
    std::vector<std::string> samples;       // answers to the first prompts
};

BatchShape micro_batch(int context) { return {std::max(1, 4096 / context), context}; }

// nats per answer that the model is away from the reference, from samples of the model.
double divergence(LanguageModel& model, LanguageModel& reference, const std::vector<Rollout>& answers) {
    std::vector<Sequence> all;
    for (const Rollout& a : answers) all.push_back(a.text);
    const Sequences texts = joined(all);
    LanguagePass own(model), other(reference);
    const auto batches = pack(texts, model.run.d.B, model.run.d.T);
    const auto p = own.log_probs(batches, texts), q = other.log_probs(batches, texts);
    double sum = 0;
    for (size_t n = 0; n < p.size(); ++n) sum += p[n] - q[n];
    return sum / double(answers.size());
}

// Error if a model that judges the answers cannot read texts as long as they may be.
void require_context(int of_judge, int context, const std::string& what, const std::string& option) {
    if (of_judge < context)
        throw Error(what + " reads too short a text",
                    fmt::format("its context is {} tokens, and that of the stage {}", of_judge, context),
                    option + " OTHER, or leave it out");
}

StageRow measure_stage(const StagesCommand& o, const std::string& named, const std::vector<Conversation>& prompts,
                       const Ops& ops, DType dtype) {
    const size_t equals = named.find('=');
    if (equals == std::string::npos)
        throw Error("'" + named + "' has no name", "a stage is NAME=FOLDER", "pretrain=runs/base sft=runs/sft");
    StageRow row{.stage = named.substr(0, equals), .model = named.substr(equals + 1)};
    AnswerOptions options = o.answers;
    const int context = describe_model(model_folder(row.model, VerifyLevel::sizes).path).config.context;
    AnsweringModel model(row.model, options.chat_template, ops, dtype, micro_batch(context));
    const Tokenizer& tokenizer = model.chat().tokenizer();
    const std::vector<Rollout> answers = model.answer(prompts, options);
    const double each = 1 / double(answers.size());
    for (size_t i = 0; i < answers.size(); ++i) {
        const std::string text = model.text_of(answers[i]);
        const auto u = utility_of_description(prompts[i].back().content, text, answers[i].ended);
        row.names += each * u.names;
        row.ends += each * u.ends;
        row.sentence += each * u.sentence;
        row.fresh += each * u.fresh;
        row.utility += each * u.total();
        row.length += each * answers[i].answer_length();
        if (row.samples.size() < written_prompts) row.samples.push_back(text);
    }
    if (!o.reference.empty()) {
        AnsweringModel reference(o.reference, options.chat_template, ops, dtype, micro_batch(context));
        require_same_tokenizer(tokenizer, reference.folder().folder, "the reference", "--reference OTHER");
        require_context(reference.folder().config.context, context, "the reference", "--reference");
        row.kl = divergence(model.model(), reference.model(), answers);
    }
    if (!o.reward.empty()) {
        RewardModel judge(o.reward, ops, dtype);
        require_same_tokenizer(tokenizer, judge.folder(), "the reward model", "--reward OTHER");
        require_context(judge.context(), context, "the reward model", "--reward");
        std::vector<Sequence> texts;
        for (const Rollout& a : answers) texts.push_back(a.text);
        double sum = 0;
        for (const double s : judge.scores(texts)) sum += s / judge.sd();
        row.score = each * sum;
    }
    return row;
}

void stages_side_by_side(const StagesCommand& o) {
    use_threads(o.compute.threads);
    const Ops& ops = ops_of(o.compute.device);
    const DType dtype = parse_dtype(o.compute.dtype);
    const std::vector<Conversation> prompts = read_questions(o.prompts, o.answers, "gradus stages");
    nlohmann::json bits = nlohmann::json::object();
    if (!o.bits.empty()) bits = parse_json(o.bits, "--bits", "--bits '{\"sft\": 1.4}'");
    if (!bits.is_object()) throw Error("--bits is not a JSON object", "it is " + o.bits, "--bits '{\"sft\": 1.4}'");
    std::vector<StageRow> rows;
    for (const std::string& named : o.models) {
        rows.push_back(measure_stage(o, named, prompts, ops, dtype));
        if (const auto found = bits.find(rows.back().stage); found != bits.end() && found->is_number())
            rows.back().bits = *found;
    }
    fmt::print(
        "utility of a simulated rater, 0 to 4, over {} prompts; shares of answers that name what was asked for, end,\n"
        "are one sentence, and do not repeat; score of the reward model; KL in nats per answer\n\n",
        prompts.size());
    const auto cell = [](const std::optional<double>& x, auto form) { return x ? fmt::format(form, *x) : ""; };
    const auto value = [](const std::optional<double>& x) {
        return x ? nlohmann::ordered_json(*x) : nlohmann::ordered_json();
    };
    fmt::print("{:<10} {:>7} {:>6} {:>6} {:>8} {:>6} {:>7} {:>6} {:>7}\n", "stage", "utility", "names", "ends",
               "sentence", "fresh", "score", "KL", "bits/B");
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const StageRow& r : rows) {
        fmt::print("{:<10} {:7.2f} {:6.2f} {:6.2f} {:8.2f} {:6.2f} {:>7} {:>6} {:>7}\n", r.stage, r.utility, r.names,
                   r.ends, r.sentence, r.fresh, cell(r.score, fmt::runtime("{:+.2f}")),
                   cell(r.kl, fmt::runtime("{:.2f}")), cell(r.bits, fmt::runtime("{:.4f}")));
        nlohmann::ordered_json answers = nlohmann::ordered_json::array();
        for (size_t i = 0; i < r.samples.size(); ++i)
            answers.push_back({{"prompt", replace_invalid_utf8(prompts[i].back().content)}, {"text", r.samples[i]}});
        list.push_back({{"stage", r.stage},
                        {"model", r.model},
                        {"utility", r.utility},
                        {"ended", r.ends},
                        {"kl", value(r.kl)},
                        {"bits_per_byte", value(r.bits)},
                        {"names", r.names},
                        {"sentence", r.sentence},
                        {"fresh", r.fresh},
                        {"score", value(r.score)},
                        {"length", r.length},
                        {"answers", std::move(answers)}});
    }
    for (size_t i = 0; i < std::min(printed_prompts, prompts.size()); ++i) {
        fmt::print("\n{}\n", on_one_line(prompts[i].back().content));
        for (const StageRow& r : rows) { fmt::print("  {:<10} {}\n", r.stage, on_one_line(r.samples[i], 160)); }
    }
    if (!o.out.empty()) write_file_atomically(o.out, list.dump(2) + "\n");
}

}  // namespace

void add_stages_command(CLI::App& app) {
    auto o = std::make_shared<StagesCommand>();
    o->answers.rollout.max_tokens = 40;
    CLI::App* command = app.add_subcommand(
        "stages",
        "Compares the stages of one model: the same prompts answered by each, the utility of the simulated rater of\n"
        "align/raters/description_rater.h, the score of a reward model, and the divergence from a reference.\n\n"
        "Example: gradus stages pretrain=runs/base sft=runs/sft ppo=runs/ppo --prompts held-out.jsonl --reference "
        "runs/sft");
    command->add_option("NAME=MODEL", o->models, "the stages, in order")->required();
    command->add_option("--prompts", o->prompts, "file of prompts")->required();
    command->add_option("--template", o->answers.chat_template, "chat template; default: each model's");
    command->add_option("--count", o->answers.count, "prompts, the first ones of the file")
        ->transform(whole_between(1, 1 << 24))
        ->capture_default_str();
    command->add_option("-n,--max-tokens", o->answers.rollout.max_tokens, "longest answer, in tokens")
        ->transform(whole_between(1, 1 << 24))
        ->capture_default_str();
    command->add_option("--reward", o->reward, "folder of a reward model");
    command->add_option("--reference", o->reference, "folder of the model that the divergence is measured from");
    command->add_option("--bits", o->bits, "bits per byte of the stages, a JSON object: {\"sft\": 1.4}");
    command->add_option("--out", o->out, "file for the table, as JSON");
    command->add_option("--seed", o->answers.rollout.seed, "the same seed gives the same answers")
        ->transform(whole_between(0, UINT64_MAX))
        ->capture_default_str();
    add_compute_options(*command, o->compute);
    command->callback([o] { stages_side_by_side(*o); });
}

}  // namespace gradus
