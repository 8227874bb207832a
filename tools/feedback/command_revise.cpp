// gradus revise: demonstrations whose answers a model has criticised and rewritten by principles.
#include <fmt/format.h>

#include "engine/base/log.h"
#include "engine/base/plural.h"
#include "engine/base/signals.h"
#include "tools/align/answers.h"
#include "tools/cli.h"
#include "tools/ending.h"
#include "tools/feedback/revise_answers.h"

namespace gradus {

namespace {

struct ReviseCommand {
    ReviseAnswers revising;
    std::string prompts, format;
};

void revise(ReviseCommand o) {
    ReviseAnswers& r = o.revising;
    if (r.model.is_server() && r.judge.is_server() && r.model.name != r.judge.name && !r.judge.served.empty())
        throw UsageError("--judge-model names a model of two servers", "MODEL and --judge are different servers",
                         "serve both models at one address, or leave out --judge-model");
    if (r.model.is_server()) {
        r.model.served = r.judge.served;
        r.model.requests = r.judge.requests;
        r.model.seconds = r.judge.seconds;
    }
    r.judge.max_tokens = r.model.max_tokens;
    r.judge.temperature = r.model.temperature;
    install_stop_signals();
    use_threads(r.compute.threads);
    AnswerOptions reading;
    reading.format = o.format;
    const RevisedAnswers revised = revise_answers(read_questions(o.prompts, reading, "gradus revise"), r);
    if (revised.complete && revised.written == 0)
        throw Error(
            "no prompt can be revised",
            number_of(revised.left_out, "prompt") +
                " whose answers or critiques have no room in the context, or no text",
            "lower --max-tokens, name models with a longer context, or shorten the requests: --wording FILE.toml");
    if (revised.left_out > 0)
        note(fmt::format("left out: {} whose answers or critiques have no room in the context, or no text",
                         number_of(revised.left_out, "prompt")));
    fmt::print(
        "revised  {} in {}; {:.3f} of the last answers differ from the first; mean length {:.1f} → {:.1f} bytes\n",
        number_of(revised.written, "answer"), number_of(r.rounds, "round"),
        revised.written > 0 ? double(revised.changed) / double(revised.written) : 0, revised.first_length,
        revised.last_length);
    if (!revised.complete) return note("stopped; what is revised is kept, and the same command continues");
    fmt::print("done: gradus sft --sft.data='[\"{}\"]'\n", r.out);
}

}  // namespace

void add_revise_command(CLI::App& app) {
    auto o = std::make_shared<ReviseCommand>();
    ReviseAnswers& r = o->revising;
    r.judge.template_option = "--judge-template";
    CLI::App* command =
        app.add_subcommand("revise",
                           "Makes demonstrations by critique and revision. A model answers prompts; in every round a "
                           "principle is drawn, the "
                           "answer is criticised by it\nand rewritten (Constitutional AI). The last answers are "
                           "demonstrations for gradus sft. "
                           "What is revised is kept, and the same command\ncontinues where an earlier one ended.\n\n"
                           "Example: gradus revise runs/sft --prompts questions.jsonl --out revised.jsonl --rounds 4");
    command
        ->add_option("MODEL", r.model.name,
                     "answers the prompts: folder of a run, a checkpoint or a Hugging Face model; or the address of a "
                     "server with OpenAI's interface: http://127.0.0.1:8000/v1")
        ->required();
    command->add_option("--prompts", o->prompts, "data set whose prompts are answered (.jsonl, .json; .gz, .zst)")
        ->required();
    command->add_option("--out", r.out, "file of the demonstrations (.jsonl)")->required();
    command->add_option("--principles", r.principles,
                        "one principle a line (docs/formats.md); default: the included ones");
    command->add_option("--wording", r.wording, "what is asked for, a TOML file (docs/formats.md)");
    command->add_option("--rounds", r.rounds, "critiques and revisions of each answer")
        ->transform(whole_between(1, 64))
        ->capture_default_str();
    command->add_option("--judge", r.judge.name,
                        "writes critiques and revisions, a folder or an address; default: MODEL");
    command->add_option("--format", o->format, "format of --prompts; without it, detected");
    command->add_option("--template", r.model.chat_template, "chat template of MODEL; default: its own");
    command->add_option("--judge-template", r.judge.chat_template, "chat template of --judge; default: its own");
    add_server_options(*command, r.judge);
    command->add_option("-n,--max-tokens", r.model.max_tokens, "longest answer, critique or revision in tokens")
        ->transform(whole_between(1, 1 << 24))
        ->capture_default_str();
    command->add_option("--temperature", r.model.temperature, "divides the logits: below 1 less random, above 1 more")
        ->check(number_between(0.001, 100))
        ->capture_default_str();
    command->add_option("--seed", r.seed, "of the principles that are drawn and of what is written")
        ->transform(whole_between(0, UINT64_MAX))
        ->capture_default_str();
    add_compute_options(*command, r.compute);
    command->callback([o] { revise(*o); });
}

}  // namespace gradus
