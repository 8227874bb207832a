// gradus tokenizer train | encode | decode: makes a tokenizer from text, and turns text into ids and back.
#include <charconv>
#include <cstdio>
#include <iostream>
#include <thread>

#include <fmt/format.h>

#include "data/readers.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/train_bpe.h"
#include "tokenizer/train_characters.h"
#include "tools/cli.h"

namespace gradus {

namespace {

struct TrainOptions {
    std::vector<std::string> inputs;
    std::string out, kind = "bpe", text_key = "text";
    int vocab_size = 32768, threads = 0;
};

// A prepared folder gives its training documents alone: the tokenizer must not have read what validates it.
std::vector<fs::path> training_inputs(const std::vector<std::string>& inputs) {
    std::vector<fs::path> paths;
    for (const fs::path path : inputs) {
        const fs::path prepared = path / "train.jsonl.zst";
        paths.push_back(fs::exists(path / "report.json") && fs::exists(prepared) ? prepared : path);
    }
    return paths;
}

void show_progress(const BpeTrainingProgress& p) {
    if (p.pieces == 0)
        progress_line(
            fmt::format("counting: {} texts, {:.1f} MB", with_commas(int64_t(p.texts)), double(p.bytes) / 1e6));
    else
        progress_line(fmt::format("merging: {} of {}, {} distinct pieces", with_commas(p.merges),
                                  with_commas(p.all_merges), with_commas(int64_t(p.pieces))));
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
    const Tokenizer tokenizer =
        o.kind == "char" ? train_characters(next)
                         : train_bpe(next, {.vocab_size = o.vocab_size, .threads = threads, .progress = show_progress});
    end_progress_line();
    fs::create_directories(o.out);
    const fs::path file = fs::path(o.out) / "tokenizer.json";
    tokenizer.save(file);
    fmt::print("{}: {} tokens from {} documents, {} bytes\n", file.string(), with_commas(tokenizer.vocab_size()),
               with_commas(documents), with_commas(bytes));
    if (o.kind == "bpe" && tokenizer.vocab_size() < o.vocab_size)
        fmt::print("the text has no pairs left for the other {} tokens of --vocab-size {}\n",
                   with_commas(o.vocab_size - tokenizer.vocab_size()), o.vocab_size);
}

// Standard output in large pieces.
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
        if (!written)
            throw Error("standard output cannot be written", "the disk it goes to is full, or nobody reads it",
                        "write to a disk with room: > FILE");
    }
};

// Runs work(line) on every line of standard input; an Error of the work says which line it was.
template <class Work>
void for_each_line(const Work& work) {
    std::ios::sync_with_stdio(false);
    std::string line;
    for (int64_t number = 1; std::getline(std::cin, line); ++number) {
        try {
            work(std::string_view(line));
        } catch (const Error& e) {
            throw Error(fmt::format("standard input, line {}: {}", number, e.what()), e.cause, e.fix);
        }
    }
}

void encode(const std::string& path, bool specials) {
    const Tokenizer tokenizer = Tokenizer::load(path);
    Output out;
    std::vector<int32_t> ids;
    for_each_line([&](std::string_view line) {
        ids.clear();
        if (specials) ids = tokenizer.encode_with_specials(line);
        else tokenizer.encode_append(line, ids);
        for (size_t i = 0; i < ids.size(); ++i) {
            if (i > 0) out.text += ' ';
            const fmt::format_int digits(ids[i]);
            out.text.append(digits.data(), digits.size());
        }
        out.text += '\n';
        out.write_when_large();
    });
    out.flush();
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
                        "a line holds whole numbers with spaces between them",
                        "gradus tokenizer encode makes such lines from text");
        ids.push_back(id);
        at = end;
    }
    return ids;
}

void decode(const std::string& path) {
    const Tokenizer tokenizer = Tokenizer::load(path);
    Output out;
    for_each_line([&](std::string_view line) {
        tokenizer.decode_append(parse_ids(line), out.text);
        out.text += '\n';
        out.write_when_large();
    });
    out.flush();
}

}  // namespace

void add_tokenizer_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("tokenizer", "Train a tokenizer; turn text into ids and back");
    command->require_subcommand(1);

    auto options = std::make_shared<TrainOptions>();
    CLI::App* trainer = command->add_subcommand(
        "train",
        "Trains a tokenizer and writes DIR/tokenizer.json, which Hugging Face tokenizers reads too.\n\n"
        "Example: gradus tokenizer train data/clean --vocab-size 32768 --out data/clean");
    trainer
        ->add_option(
            "IN", options->inputs,
            "text files, .jsonl(.gz|.zst), web pages or folders of them; of a folder made by `gradus data prepare`, "
            "its training documents")
        ->required();
    trainer->add_option("--out", options->out, "folder for tokenizer.json")->required();
    trainer->add_option("--vocab-size", options->vocab_size, "tokens, the 256 bytes and <|endoftext|> included (bpe)")
        ->check(CLI::Range(257, 1 << 24))
        ->capture_default_str();
    trainer
        ->add_option("--kind", options->kind,
                     "bpe: byte-level BPE with GPT-2's pattern; char: one token for each character")
        ->check(CLI::IsMember({"bpe", "char"}))
        ->capture_default_str();
    trainer->add_option("--text-key", options->text_key, "where a line of .jsonl has its text")->capture_default_str();
    add_threads_option(*trainer, options->threads);
    trainer->callback([options] { train(*options); });

    auto file = std::make_shared<std::string>();
    auto specials = std::make_shared<bool>(false);
    auto add_tokenizer_option = [file](CLI::App& to) {
        to.add_option("--tokenizer", *file, "tokenizer.json, or a folder that has one")->required();
    };
    CLI::App* encoder =
        command->add_subcommand("encode",
                                "Reads text, writes ids: a line of ids for each line of standard input.\n\n"
                                "Example: echo 'To be, or not to be' | gradus tokenizer encode --tokenizer data/clean");
    add_tokenizer_option(*encoder);
    encoder->add_flag("--specials", *specials,
                      "read special tokens such as <|endoftext|> in the text as what they are");
    encoder->callback([file, specials] { encode(*file, *specials); });

    CLI::App* decoder = command->add_subcommand(
        "decode",
        "Reads ids, writes text: the text of each line of ids on standard input, and a newline.\n\n"
        "Example: echo '2514 307' | gradus tokenizer decode --tokenizer data/clean");
    add_tokenizer_option(*decoder);
    decoder->callback([file] { decode(*file); });
}

}  // namespace gradus
