// gradus eval: how well a trained model predicts a text.
//
// The files are one stream of tokens, cut into windows of T that do not overlap: window w reads the tokens w·T … w·T
// + T − 1 and predicts the token after each. Every token but the first is predicted once, from at most T tokens
// before it.
#include <cmath>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/base/log.h"
#include "engine/validation.h"
#include "tools/cli.h"
#include "tools/device.h"
#include "tools/open_model.h"

namespace gradus {

namespace {

constexpr int rows_at_once = 1024;  // a batch has about so many

struct Options {
    std::string model, dtype = "f32", device = "cpu";
    std::vector<std::string> texts;
    int context = 0, threads = 0;
    bool json = false;
};

int context_of(const Options& o, const ModelConfig& m) {
    if (o.context > m.context)
        throw Error(fmt::format("--context {} is longer than the model's", o.context),
                    fmt::format("the model has {} positions", m.context), fmt::format("--context {}", m.context));
    return o.context > 0 ? o.context : m.context;
}

std::vector<int32_t> stream_of(const Options& o, const Tokenizer& tokenizer) {
    std::string text;
    for (const std::string& file : o.texts) text += read_file(file);
    std::vector<int32_t> ids = tokenizer.encode(text);
    if (ids.size() < 2)
        throw Error("there is nothing to predict",
                    fmt::format("the text has {} tokens, and the first is not predicted", ids.size()),
                    "--text FILE with more text");
    return ids;
}

void print_for_people(const ValidationResult& r, int T) {
    fmt::print(
        "tokens          {:>14}   predicted, each from at most {} tokens before it; they spell {} bytes\n"
        "nats per token  {:>14.5f}   cross-entropy, the loss of training; depends on the tokenizer\n"
        "perplexity      {:>14.3f}   e to that power: as unsure as a choice among so many equally likely tokens\n"
        "bits per byte   {:>14.5f}   the same in bits, for each byte of text: compares models of any tokenizer\n",
        text_of_whole(r.targets), T, text_of_whole(int64_t(r.bytes)), r.loss(), std::exp(r.loss()), r.bits_per_byte());
}

void evaluate(const Options& o) {
    use_threads(o.threads);
    const ModelFolder folder = open_model_folder(o.model);
    const std::vector<int32_t> ids = stream_of(o, folder.tokenizer);
    const int64_t predicted = int64_t(ids.size()) - 1;
    const int T = int(std::min<int64_t>(context_of(o, folder.config), predicted));
    const int64_t windows = (predicted + T - 1) / T;
    const int B = int(std::min<int64_t>(std::max(1, rows_at_once / T), windows));
    const auto model = load_model(folder, ops_of(o.device), parse_dtype(o.dtype), {.B = B, .T = T});

    ProgressLine progress("predicting");
    const NextBatch next = [&](int64_t first, HostBatch& batch) {
        progress.update(double(first), double(windows), "windows");
        for (int64_t i = 0; i < int64_t(batch.tokens.size()) && first * T + i < predicted; ++i) {
            batch.tokens[size_t(i)] = ids[size_t(first * T + i)];
            batch.targets[size_t(i)] = ids[size_t(first * T + i + 1)];
        }
    };
    const ValidationResult r = validate_loss(*model, windows, next, bytes_of_ids(folder.tokenizer, folder.config.V));
    if (!std::isfinite(r.nats))
        throw Error("the loss is not a finite number",
                    "the weights of the model are broken, or the dtype is too narrow for them",
                    o.dtype == "bf16" ? "--dtype f32" : "use an earlier checkpoint of the run");
    if (!o.json) {
        print_for_people(r, T);
        return;
    }
    const nlohmann::ordered_json line = {{"tokens", r.targets},
                                         {"nats_per_token", r.loss()},
                                         {"bits_per_byte", r.bits_per_byte()},
                                         {"perplexity", std::exp(r.loss())},
                                         {"bytes", int64_t(r.bytes)},
                                         {"context", T}};
    fmt::print("{}\n", line.dump());
}

}  // namespace

void add_eval_command(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("eval",
                                           "Measures how well a trained model predicts a text. The files are one "
                                           "stream of tokens, cut into windows of the context\n"
                                           "that do not overlap; every token but the first is predicted once.\n\n"
                                           "Example: gradus eval runs/shakespeare --text data/shakespeare-val.txt");
    command
        ->add_option("MODEL", o->model,
                     "folder of a run (its latest checkpoint), of a checkpoint, or of a Hugging Face model")
        ->required();
    command->add_option("--text", o->texts, "files of plain text, read as one")->required();
    command->add_option("--context", o->context, "tokens in a window; 0: the model's context")
        ->transform(whole_between(0, 1 << 24))
        ->capture_default_str();
    add_dtype_option(*command, o->dtype);
    add_device_option(*command, o->device);
    add_threads_option(*command, o->threads);
    command->add_flag("--json", o->json,
                      "a JSON object: tokens, nats_per_token, bits_per_byte, perplexity, bytes, context");
    command->callback([o] { evaluate(*o); });
}

}  // namespace gradus
