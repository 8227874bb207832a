// gradus tokenizer train | encode | decode: trains a tokenizer, and converts text to ids and back.
#include <charconv>
#include <cstdio>
#include <iostream>
#include <thread>

#include <fmt/format.h>

#include "data/readers.h"
#include "engine/base/log.h"
#include "engine/base/one_line.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/train_bpe.h"
#include "tokenizer/train_characters.h"
#include "tools/cli.h"

namespace gradus {

namespace {

struct TrainOptions {
    std::vector<std::string> inputs;
    std::string out, kind = "bpe", pattern = "gpt2", text_key = ReadOptions{}.text_key;
    int vocab_size = BpeTraining{}.vocab_size;
    int threads = 0;  // 0: one per core
};

// Of a prepared folder only the training documents are used: the tokenizer must not see the validation text.
std::vector<fs::path> training_inputs(const std::vector<std::string>& inputs) {
    std::vector<fs::path> paths;
    for (const fs::path path : inputs) {
        const fs::path prepared = path / "train.jsonl.zst";
        paths.push_back(fs::exists(path / "report.json") && fs::exists(prepared) ? prepared : path);
    }
    return paths;
}

std::string text_of(const BpeTrainingProgress& p) {
    if (p.pieces == 0)
        return fmt::format("counting: {} texts, {:.1f} MB", text_of_whole(int64_t(p.texts)), double(p.bytes) / 1e6);
    return fmt::format("merging: {} of {}, {} distinct pieces", text_of_whole(p.merges), text_of_whole(p.all_merges),
                       text_of_whole(int64_t(p.pieces)));
}

void train(const TrainOptions& o) {
    DocumentReader reader(training_inputs(o.inputs), {.text_key = o.text_key});
    Document document;
    int64_t documents = 0, bytes = 0;
    const TextSource next = [&](std::string& text) {
        if (!reader.next(document)) return false;
        ++documents;
        bytes += int64_t(document.text.size());
        text.swap(document.text);
        return true;
    };
    const int threads = o.threads > 0 ? o.threads : int(std::max(1u, std::thread::hardware_concurrency()));
    ProgressLine progress;
    const auto show = [&](const BpeTrainingProgress& p) { progress.show(text_of(p)); };
    const Tokenizer tokenizer = o.kind == "char" ? train_characters(next)
                                                 : train_bpe(next, {.vocab_size = o.vocab_size,
                                                                    .pattern = *pattern_named(o.pattern),
                                                                    .threads = threads,
                                                                    .progress = show});
    progress.clear();
    if (const std::string others = skipped_documents(reader); !others.empty()) note("skipped: " + others);
    make_folder(o.out);
    const fs::path file = fs::path(o.out) / "tokenizer.json";
    tokenizer.save(file);
    fmt::print("{}: {} tokens from {} document{}, {} bytes\n", on_one_line(file.string()),
               text_of_whole(tokenizer.vocab_size()), text_of_whole(documents), documents == 1 ? "" : "s",
               text_of_whole(bytes));
    if (o.kind == "bpe" && tokenizer.vocab_size() < o.vocab_size)
        fmt::print("the text has no pairs left for the other {} tokens of --vocab-size {}\n",
                   text_of_whole(o.vocab_size - tokenizer.vocab_size()), o.vocab_size);
}

// Buffered standard output.
class Output {
public:
    std::string text;

    void write_when_large() {
        if (text.size() >= size_t(1) << 16) flush();
    }
    void flush() {
        const bool written =
            std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
        text.clear();
        if (!written) throw unwritten_output();
    }
};

// Runs work(line, text) on every line of standard input; what it appends to the text is the output for the line. An
// Error gets the line number, and the output for the lines before it is written.
template <class Work>
void for_each_line(const Work& work) {
    std::ios::sync_with_stdio(false);
    Output out;
    std::string line;
    for (int64_t number = 1; std::getline(std::cin, line); ++number) {
        const size_t good = out.text.size();
        try {
            work(std::string_view(line), out.text);
        } catch (const Error& e) {
            out.text.resize(good);
            out.flush();
            throw Error(fmt::format("standard input, line {}: {}", number, e.what()), e.cause, e.fix);
        }
        out.text += '\n';
        out.write_when_large();
    }
    out.flush();
}

void encode(const std::string& path, bool specials) {
    const Tokenizer tokenizer = Tokenizer::load(path);
    std::vector<int32_t> ids;
    for_each_line([&](std::string_view line, std::string& out) {
        ids.clear();
        if (specials) ids = tokenizer.encode_with_specials(line);
        else tokenizer.encode_append(line, ids);
        for (size_t i = 0; i < ids.size(); ++i) {
            if (i > 0) out += ' ';
            const fmt::format_int digits(ids[i]);
            out.append(digits.data(), digits.size());
        }
    });
}

std::vector<int32_t> parse_ids(std::string_view line) {
    std::vector<int32_t> ids;
    auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    for (size_t at = 0; at < line.size();) {
        if (is_space(line[at])) {
            ++at;
            continue;
        }
        size_t end = at;
        while (end < line.size() && !is_space(line[end])) ++end;
        int32_t id = 0;
        const auto [stopped, problem] = std::from_chars(line.data() + at, line.data() + end, id);
        if (problem != std::errc() || stopped != line.data() + end)
            throw Error(fmt::format("'{}' in column {} is not a token id",
                                    line.substr(at, std::min<size_t>(end - at, 40)), at + 1),
                        "a line must have whole numbers separated by spaces",
                        "gradus tokenizer encode makes such lines from text");
        ids.push_back(id);
        at = end;
    }
    return ids;
}

void decode(const std::string& path) {
    const Tokenizer tokenizer = Tokenizer::load(path);
    for_each_line([&](std::string_view line, std::string& out) { tokenizer.decode_append(parse_ids(line), out); });
}

}  // namespace

void add_tokenizer_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("tokenizer", "Train a tokenizer; convert text to ids and back");
    command->require_subcommand(1);

    auto options = std::make_shared<TrainOptions>();
    CLI::App* trainer = command->add_subcommand(
        "train",
        "Trains a tokenizer and writes DIR/tokenizer.json, which Hugging Face tokenizers can also read.\n\n"
        "Example: gradus tokenizer train data/clean --vocab-size 32768 --out data/clean");
    trainer
        ->add_option("IN", options->inputs,
                     "text files, source code, .jsonl, web pages (also as .gz or .zst) or folders of them; of a folder "
                     "written by `gradus data prepare`, "
                     "its training documents")
        ->required();
    trainer->add_option("--out", options->out, "folder for tokenizer.json")->required();
    trainer
        ->add_option("--vocab-size", options->vocab_size,
                     "number of tokens, including the 256 bytes and <|endoftext|> (bpe)")
        ->transform(whole_between(257, 1 << 24))
        ->capture_default_str();
    trainer->add_option("--kind", options->kind, "bpe: byte-level BPE; char: one token per character")
        ->check(one_of_words({"bpe", "char"}))
        ->capture_default_str();
    trainer
        ->add_option("--pattern", options->pattern,
                     "how text is split before merging (bpe): gpt2; cl100k, as GPT-4 and Llama 3 do; qwen2, the same "
                     "with single digits")
        ->check(one_of_words({"gpt2", "cl100k", "qwen2"}))
        ->capture_default_str();
    add_text_key_option(*trainer, options->text_key);
    add_threads_option(*trainer, options->threads);
    trainer->callback([options, trainer] {
        if (options->kind == "char" && trainer->count("--vocab-size") > 0)
            throw CLI::ValidationError("--vocab-size",
                                       "with --kind char the characters of the text are the vocabulary");
        if (options->kind == "char" && trainer->count("--pattern") > 0)
            throw CLI::ValidationError("--pattern", "with --kind char text is not split");
        train(*options);
    });

    auto file = std::make_shared<std::string>();
    auto specials = std::make_shared<bool>(false);
    auto add_tokenizer_option = [file](CLI::App& to) {
        to.add_option("--tokenizer", *file, "tokenizer.json, or a folder that has one")->required();
    };
    CLI::App* encoder =
        command->add_subcommand("encode",
                                "Reads text and writes ids: one line of ids per line of standard input.\n\n"
                                "Example: echo 'To be, or not to be' | gradus tokenizer encode --tokenizer data/clean");
    add_tokenizer_option(*encoder);
    encoder->add_flag("--specials", *specials, "recognise special tokens such as <|endoftext|> in the text");
    encoder->callback([file, specials] { encode(*file, *specials); });

    CLI::App* decoder =
        command->add_subcommand("decode",
                                "Reads lines of ids and writes text: the text of each line and a newline.\n\n"
                                "Example: echo '2514 307' | gradus tokenizer decode --tokenizer data/clean");
    add_tokenizer_option(*decoder);
    decoder->callback([file] { decode(*file); });
}

}  // namespace gradus
