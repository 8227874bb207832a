// gradus generate: continues prompts with a trained model.
#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/readers.h"
#include "engine/base/log.h"
#include "engine/base/plural.h"
#include "engine/generate/generator.h"
#include "engine/generate/stop_strings.h"
#include "tokenizer/stream_decoder.h"
#include "tools/cli.h"
#include "tools/device.h"
#include "tools/open_model.h"
#include "tools/sampling_options.h"

namespace gradus {

namespace {

constexpr size_t max_sequences = 32;  // in the KV cache at a time; the other prompts are queued

struct GenerateCommand {
    std::string model, text, prompt_file, text_key = ReadOptions{}.text_key;
    std::vector<std::string> prompts, stops;
    GenerateOptions generate;
    ComputeOptions compute;
    KernelOptions kernels;
    bool json = false;
};

// Files and pipes end with a newline that is not meant to be part of the prompt.
std::string without_last_newline(std::string text) {
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

std::vector<std::string> prompts_of(const GenerateCommand& o) {
    std::vector<std::string> prompts;
    if (!o.text.empty()) prompts.push_back(o.text);
    prompts.insert(prompts.end(), o.prompts.begin(), o.prompts.end());
    if (!o.prompt_file.empty())
        for (Document& document : read_documents({o.prompt_file}, o.text_key))
            prompts.push_back(without_last_newline(std::move(document.text)));
    if (!prompts.empty()) return prompts;
    if (is_terminal(stdin)) fmt::print(stderr, "type the text to continue, then press Ctrl-D on a new line\n");
    return {without_last_newline({std::istreambuf_iterator<char>(std::cin), {}})};
}

std::vector<int32_t> ids_of(const ModelFolder& folder, const std::string& text) {
    std::vector<int32_t> ids = folder.opening;
    folder.tokenizer.encode_append(text, ids);
    return ids;
}

// A model can write any bytes; a terminal interprets some of them as commands.
std::string shown(std::string text) {
    if (is_terminal(stdout))
        std::erase_if(text, [](char c) { return (c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == 0x7f; });
    return text;
}

void print(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        throw unwritten_output();
}

using Clock = std::chrono::steady_clock;
double seconds_between(Clock::time_point a, Clock::time_point b) {
    return std::chrono::duration<double>(b - a).count();
}

// A continuation during generation.
struct Text {
    StreamDecoder decoder;
    StopStrings stops;
    std::string text;
    int64_t ids = 0;
    Clock::time_point first, last;

    // The text that this id completes.
    std::string add(int32_t id, int32_t vocab_size) {
        last = Clock::now();
        if (++ids == 1) first = last;
        return keep(stops.push(id < vocab_size ? decoder.push(id) : decoder.flush() + "\uFFFD"));
    }
    std::string finish() { return keep(stops.push(decoder.flush()) + stops.flush()); }

    double tokens_per_second(Clock::time_point start) const {
        return ids > 1 ? double(ids - 1) / seconds_between(first, last)
                       : double(ids) / seconds_between(start, Clock::now());
    }

private:
    std::string keep(const std::string& more) {
        text += more;
        return more;
    }
};

void print_results(const GenerateCommand& o, const std::vector<std::string>& prompts, const std::vector<Text>& texts,
                   const std::vector<Generated>& generated, Clock::time_point start) {
    for (size_t i = 0; i < prompts.size(); ++i) {
        if (o.json) {
            const nlohmann::ordered_json line = {{"prompt", prompts[i]},
                                                 {"text", texts[i].text},
                                                 {"ids", generated[i].ids},
                                                 {"finish_reason", name_of(generated[i].finish)},
                                                 {"tokens_per_second", texts[i].tokens_per_second(start)}};
            print(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
        } else {
            print(fmt::format("--- prompt {} of {}\n", i + 1, prompts.size()) + shown(prompts[i] + texts[i].text) +
                  "\n\n");
        }
    }
}

void print_speed(const std::vector<Prompt>& prompts, const std::vector<Text>& texts, Clock::time_point start) {
    int64_t given = 0, made = 0;
    Clock::time_point first = Clock::time_point::max(), last = start;
    for (const Prompt& p : prompts) given += int64_t(p.ids.size());
    for (const Text& t : texts) {
        made += t.ids;
        if (t.ids == 0) continue;
        first = std::min(first, t.first);
        last = std::max(last, t.last);
    }
    if (made == 0) return;
    fmt::print(stderr, "{}, first token after {}; {}", number_of(given, "prompt token"),
               text_of_seconds(seconds_between(start, first)), number_of(made, "token"));
    if (last > first) fmt::print(stderr, ", {:.1f} tokens/s", double(made - 1) / seconds_between(first, last));
    fmt::print(stderr, "\n");
}

void generate(const GenerateCommand& o) {
    validate(o.generate.sampling);
    const StopStrings stops(o.stops);
    use_threads(o.compute.threads);
    use_kernels(o.compute.device, o.kernels);
    const ModelFolder folder = open_model_folder(o.model);
    const std::vector<std::string> given = prompts_of(o);
    std::vector<Prompt> prompts;
    size_t longest = 0;
    for (const std::string& text : given) {
        prompts.push_back({ids_of(folder, text), prompts.size()});
        longest = std::max(longest, prompts.back().ids.size());
    }
    const auto model = load_model(folder, ops_of(o.compute.device), parse_dtype(o.compute.dtype), {}, o.compute.graphs);
    const size_t context = std::min(size_t(folder.config.context), longest + size_t(o.generate.max_tokens));
    Generator generator(*model, {.sequences = int(std::min(prompts.size(), max_sequences)), .context = int(context)});

    GenerateOptions options = o.generate;
    options.ends_of_text = folder.ends;
    const bool streaming = prompts.size() == 1 && !o.json;
    std::vector<Text> texts(prompts.size(), Text{StreamDecoder(folder.tokenizer), stops, "", 0, {}, {}});
    const int32_t known = folder.tokenizer.vocab_size();
    const auto start = Clock::now();
    const std::vector<Generated> generated = generator.generate(prompts, options, [&](int i, int32_t id) {
        Text& text = texts[size_t(i)];
        const std::string more = text.add(id, known);
        if (streaming) print(shown(text.ids == 1 ? given[0] + more : more));
        return !text.stops.stopped();
    });
    for (Text& text : texts) {
        const std::string more = text.finish();
        if (streaming) print(shown(text.ids == 0 ? given[0] + more : more) + "\n");
    }
    if (!streaming) print_results(o, given, texts, generated, start);
    print_speed(prompts, texts, start);
}

}  // namespace

void add_generate_command(CLI::App& app) {
    auto o = std::make_shared<GenerateCommand>();
    CLI::App* command =
        app.add_subcommand("generate",
                           "Continues prompts with a trained model. The text of a single prompt is printed "
                           "as it is generated; several prompts are\n"
                           "generated together and printed when all are done. Without a prompt, "
                           "standard input is the prompt, without its last newline.\n\n"
                           "Example: gradus generate runs/shakespeare 'To be, or' "
                           "--max-tokens 100 --temperature 0.8 --top-p 0.95");
    command
        ->add_option("MODEL", o->model,
                     "folder of a run (its latest checkpoint), of a checkpoint, or of a Hugging Face model")
        ->required();
    command->add_option("TEXT", o->text, "text to continue, in quotes; the same as --prompt TEXT");
    command->add_option("-p,--prompt", o->prompts, "text to continue; may be repeated")->allow_extra_args(false);
    command->add_option("--prompt-file", o->prompt_file,
                        "file with a text to continue, or a .jsonl with one per line; a last newline is dropped");
    add_text_key_option(*command, o->text_key);
    command->add_option("-n,--max-tokens", o->generate.max_tokens, "tokens to add to each prompt")
        ->transform(whole_between(1, 1 << 24))
        ->capture_default_str();
    add_sampling_options(*command, o->generate.sampling);
    command->add_option("--stop", o->stops, "end a text before this string; may be repeated")->allow_extra_args(false);
    add_compute_options(*command, o->compute);
    add_kernel_options(*command, o->kernels);
    add_graphs_option(*command, o->compute.graphs);
    command->add_flag(
        "--json", o->json,
        "a JSON object per prompt: prompt, text, ids, finish_reason (length, context, end_of_text, stop), "
        "tokens_per_second");
    command->callback([o] { generate(*o); });
}

}  // namespace gradus
