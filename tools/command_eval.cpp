// gradus eval: measures how well a trained model predicts a text, or the validation data of its run.
#include <cmath>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/readers.h"
#include "engine/base/log.h"
#include "engine/loop/validation.h"
#include "tools/cli.h"
#include "tools/device.h"
#include "tools/eval_data.h"
#include "tools/open_model.h"

namespace gradus {

namespace {

constexpr int rows_at_once = 1024;  // approximate number of rows in a batch

struct EvalCommand {
    std::string model, text_key = ReadOptions{}.text_key;
    std::vector<std::string> texts;
    int context = 0;
    ComputeOptions compute;
    KernelOptions kernels;
    bool json = false;
};

int context_of(const EvalCommand& o, const ModelConfig& m) {
    if (o.context > m.context)
        throw Error(fmt::format("--context {} is longer than the model's", o.context),
                    fmt::format("the model has {} positions", m.context), fmt::format("--context {}", m.context));
    return o.context > 0 ? o.context : m.context;
}

void print_for_people(const ValidationResult& r, int T) {
    fmt::print(
        "tokens          {:>14}   predicted, each from at most {} preceding tokens; their text has {} bytes\n"
        "nats per token  {:>14.5f}   cross-entropy, the training loss; depends on the tokenizer\n"
        "perplexity      {:>14.3f}   exp(nats per token)\n"
        "bits per byte   {:>14.5f}   the loss in bits per byte of text: comparable between tokenizers\n",
        text_of_whole(r.targets), T, text_of_whole(int64_t(r.bytes)), r.loss(), std::exp(r.loss()), r.bits_per_byte());
}

EvalData data_for(const EvalCommand& o, const ModelFolder& m) {
    const int T = context_of(o, m.config);
    return o.texts.empty() ? validation_windows_of(m, o.context) : windows_of_texts(o.texts, o.text_key, m, T);
}

void evaluate(const EvalCommand& o) {
    use_threads(o.compute.threads);
    use_kernels(o.compute.device, o.kernels);
    const ModelFolder folder = open_model_folder(o.model);
    const EvalData data = data_for(o, folder);
    const int B = int(std::min<int64_t>(std::max(1, rows_at_once / data.T), data.windows));
    const auto model =
        load_model(folder, ops_of(o.compute.device), parse_dtype(o.compute.dtype), {.B = B, .T = data.T});

    ProgressLine progress("predicting");
    const NextBatch next = [&](int64_t first, HostBatch& batch) {
        progress.update(double(first), double(data.windows), "windows");
        data.next(first, batch);
    };
    const ValidationResult r =
        validate_loss(*model, data.windows, next, bytes_of_ids(folder.tokenizer, folder.config.V));
    if (!std::isfinite(r.nats))
        throw Error("the loss is not a finite number",
                    "the model's weights are damaged, or the dtype's range is too small for them",
                    o.compute.dtype == "bf16" ? "--dtype f32" : "use an earlier checkpoint of the run");
    if (!o.json) {
        if (!data.name.empty()) fmt::print("text            {}\n", data.name);
        print_for_people(r, data.T);
        return;
    }
    const nlohmann::ordered_json line = {{"tokens", r.targets},
                                         {"nats_per_token", r.loss()},
                                         {"bits_per_byte", r.bits_per_byte()},
                                         {"perplexity", std::exp(r.loss())},
                                         {"bytes", int64_t(r.bytes)},
                                         {"context", data.T}};
    fmt::print("{}\n", line.dump());
}

}  // namespace

void add_eval_command(CLI::App& app) {
    auto o = std::make_shared<EvalCommand>();
    CLI::App* command = app.add_subcommand("eval",
                                           "Measures how well a trained model predicts a text. The text is a stream of "
                                           "tokens, cut into windows of the\n"
                                           "context length that do not overlap; every token except the first is "
                                           "predicted once. Without --text it repeats\n"
                                           "the run's own validation: the same windows, the same loss.\n\n"
                                           "Example: gradus eval runs/shakespeare --text data/shakespeare-val.txt");
    command
        ->add_option("MODEL", o->model,
                     "folder of a run (its latest checkpoint), of a checkpoint, or of a Hugging Face model")
        ->required();
    command->add_option("--text", o->texts,
                        "text files, read as `data prepare` reads them, with their documents concatenated; "
                        "default: the validation data of the run");
    add_text_key_option(*command, o->text_key);
    command
        ->add_option("--context", o->context,
                     "tokens per window; 0: the model's context, or without --text the context of training")
        ->transform(whole_between(0, 1 << 24))
        ->capture_default_str();
    add_compute_options(*command, o->compute);
    add_kernel_options(*command, o->kernels);
    command->add_flag("--json", o->json,
                      "a JSON object: tokens, nats_per_token, bits_per_byte, perplexity, bytes, context");
    command->callback([o] { evaluate(*o); });
}

}  // namespace gradus
