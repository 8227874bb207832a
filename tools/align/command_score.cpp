// gradus score: what a reward model makes of answers.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "align/examples/fields.h"
#include "align/examples/records.h"
#include "align/samples/samples.h"
#include "engine/base/log.h"
#include "tools/align/demonstrations.h"
#include "tools/align/reward_model.h"
#include "tools/chat_template_of.h"
#include "tools/cli.h"
#include "tools/device.h"

namespace gradus {

namespace {

constexpr size_t answers_together = 256;  // lines that are read before the first of them is written

struct ScoreCommand {
    std::string model, file, out, chat_template;
    ComputeOptions compute;
};

// A line as it is written again, and its text; without ids if it does not fit into the model's context.
struct ToScore {
    nlohmann::json line;
    Sequence text;
};

ToScore to_score(const Record& record, const ChatEncoder& chat, int context) {
    const auto refuse = [&](const std::string& problem) {
        throw Error("bad line at '" + record.place + "'", problem,
                    "a line is {\"prompt\": TEXT, \"response\": TEXT}, or has \"messages\" instead of prompt");
    };
    if (!record.problem.empty()) refuse(record.problem);
    Fields fields(record.object);
    Conversation prompt;
    std::string answer;
    const char* const key = fields.has("response") ? "response" : "completion";
    if (fields.has("messages") && !fields.has("response") && !fields.has("completion")) {
        prompt = fields.checked(fields.messages(fields.value("messages")), LastMessage::answer);
        if (fields.problem().empty()) {
            answer = prompt.back().content;
            prompt.pop_back();
        }
    } else {
        prompt = fields.prompt();
        if (fields.problem().empty()) answer = fields.answer(fields.value(key), prompt);
    }
    if (!fields.problem().empty()) refuse(fields.problem());
    auto encoded = fitted_answers(prompt, std::span(&answer, 1), chat, context);
    ToScore s{.line = record.object};
    if (!encoded.empty()) s.text = {std::move(encoded[0].ids), std::move(encoded[0].learnt)};
    return s;
}

// Lines without ids have no score.
void add_scores(RewardModel& model, std::vector<ToScore>& lines) {
    std::vector<Sequence> texts;
    for (const ToScore& l : lines)
        if (l.text.size() > 0) texts.push_back(l.text);
    const std::vector<double> scores = model.scores(texts);
    size_t next = 0;
    for (ToScore& l : lines) {
        l.line["score"] = nullptr;
        if (l.text.size() > 0) l.line["score"] = scores[next++];
    }
}

void score(const ScoreCommand& o) {
    use_threads(o.compute.threads);
    RewardModel model(o.model, ops_of(o.compute.device), parse_dtype(o.compute.dtype));
    const ChatEncoder chat =
        chat_encoder_of(model.folder(), Tokenizer::load(model.folder()), o.model, o.chat_template, "--template ");
    const std::string from = o.file.empty() || o.file == "-" ? "/dev/stdin" : o.file;
    if (from == "/dev/stdin" && is_terminal(stdin))
        fmt::print(stderr, "type lines with prompt and response, then press Ctrl-D on a new line\n");
    std::optional<AtomicFile> file;
    if (!o.out.empty()) file.emplace(o.out);
    const auto write = [&](const std::string& text) {
        if (file) file->write(text);
        else if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
            throw unwritten_output();
    };
    RecordReader reader(from);
    int64_t all = 0, unscored = 0;
    std::vector<ToScore> lines;
    const auto flush = [&] {
        add_scores(model, lines);
        std::string text;
        for (const ToScore& l : lines) {
            text += l.line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
            unscored += l.line["score"].is_null();
        }
        write(text);
        lines.clear();
    };
    for (Record record; reader.next(record); ++all) {
        try {
            lines.push_back(to_score(record, chat, model.context()));
        } catch (...) {  // the lines before it are complete
            flush();
            throw;
        }
        if (lines.size() == answers_together) flush();
    }
    flush();
    if (file) file->commit();
    if (unscored > 0)
        note(fmt::format("{} of {} answers have the score null: they do not fit into the model's context of {} tokens",
                         unscored, all, model.context()));
}

}  // namespace

void add_score_command(CLI::App& app) {
    auto o = std::make_shared<ScoreCommand>();
    CLI::App* command = app.add_subcommand(
        "score",
        "Scores answers with a reward model. It reads JSON lines with a prompt (or messages) and a response (or "
        "completion), and writes each with its\n"
        "score added. Scores have no unit; 0 is the mean of the best answers in the data that the model learnt from. "
        "null: the answer is longer than\n"
        "the model's context.\n\n"
        "Example: gradus score runs/reward answers.jsonl > scored.jsonl");
    command
        ->add_option("MODEL", o->model,
                     "folder of a run of gradus reward (its latest checkpoint), of a checkpoint, or of transformers' "
                     "AutoModelForSequenceClassification with one label")
        ->required();
    command->add_option("FILE", o->file, ".jsonl, plain, .gz or .zst; default: standard input");
    command->add_option("--out", o->out, "file to write; default: standard output");
    command->add_option("--template", o->chat_template, "chat template; default: the model's");
    add_compute_options(*command, o->compute);
    command->callback([o] { score(*o); });
}

}  // namespace gradus
