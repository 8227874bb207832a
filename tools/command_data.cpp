// gradus data prepare: converts raw text to a folder for training.
#include <fmt/format.h>

#include "data/prepare.h"
#include "data/prepared_folder.h"
#include "engine/base/log.h"
#include "engine/base/one_line.h"
#include "tokenizer/tokenizer.h"
#include "tools/cli.h"

namespace gradus {

namespace {

struct PrepareCommand {
    std::vector<std::string> inputs;
    std::string tokenizer;
    PrepareOptions prepare;
    std::string split = name_of(prepare.split);
};

// tokenizer.json is copied into the folder; a tokenizer in other files is first written there as tokenizer.json.
TokenizerUse use_of(const Tokenizer& tokenizer, const fs::path& given, const fs::path& out) {
    fs::path file = fs::is_directory(given) ? given / "tokenizer.json" : given;
    if (!fs::exists(file)) {
        make_folder(out);
        file = out / "tokenizer.json";
        tokenizer.save(file);
    }
    return {.encode_append = [tokenizer](std::string_view text,
                                         std::vector<int32_t>& ids) { tokenizer.encode_append(text, ids); },
            .vocab_size = tokenizer.vocab_size(),
            .end_of_text = tokenizer.end_of_text(),
            .file = file};
}

std::string counted(int64_t n, const char* one, const char* many) {
    return fmt::format("{} {}", text_of_whole(n), n == 1 ? one : many);
}

// The documents of a prepared folder are kept, so options for reading and dropping would have no effect.
void refuse_without_effect(const PrepareCommand& o, const CLI::App& command) {
    if (o.inputs.size() != 1 || !is_prepared(o.inputs[0])) return;
    for (const char* name : {"--val-fraction", "--split", "--min-bytes", "--text-key", "--max-bad-lines"})
        if (command.count(name) > 0)
            throw Error(fmt::format("{} has no effect on a prepared folder", name),
                        fmt::format("the documents of '{}' and their split are kept", o.inputs[0]),
                        fmt::format("remove {}, or prepare the text again: gradus data prepare TEXTS --out {}", name,
                                    o.prepare.out.string()));
}

std::string words_of(std::string name) {
    for (char& c : name) c = c == '_' ? ' ' : c;
    return name;
}

void print_report(const PrepareReport& r, const fs::path& out, bool tokens) {
    auto row = [](const std::string& what, int64_t documents, int64_t bytes = -1, int64_t ids = -1) {
        fmt::print("{:<24}{:>14}{:>18}{:>18}\n", what, text_of_whole(documents), bytes >= 0 ? text_of_whole(bytes) : "",
                   ids >= 0 ? text_of_whole(ids) : "");
    };
    fmt::print("{:<24}{:>14}{:>18}{:>18}\n", "", "documents", "bytes", tokens ? "tokens" : "");
    row("read from " + counted(r.files, "file", "files"), r.documents, r.bytes);
    for (const auto& [reason, documents] : r.dropped) row("dropped: " + words_of(reason), documents);
    if (r.bad_lines > 0) row("dropped: bad lines", r.bad_lines);
    row("training", r.train.documents, r.train.bytes, tokens ? r.train.tokens : -1);
    row("validation", r.val.documents, r.val.bytes, tokens ? r.val.tokens : -1);
    int64_t others = 0;
    for (const auto& [kind, other] : r.other_kinds) others += other.files;
    if (others > 0)
        fmt::print("{} skipped: {}\n", counted(others, "file of another kind was", "files of other kinds were"),
                   on_one_line(text_of(r.other_kinds)));
    if (r.repeated_folders > 0)
        fmt::print("{} skipped\n", counted(r.repeated_folders, "link to a folder already read was",
                                           "links to folders already read were"));
    if (r.repeated_files > 0)
        fmt::print("{} skipped\n",
                   counted(r.repeated_files, "link to a file already read was", "links to files already read were"));
    if (r.broken_links > 0) fmt::print("{}\n", counted(r.broken_links, "link is broken", "links are broken"));
    fmt::print("written to {} in {}\n", on_one_line(out.string()), text_of_seconds(r.seconds));
}

void prepare_data(PrepareCommand o, const CLI::App& command) {
    refuse_without_effect(o, command);
    o.prepare.may_fall_back = command.count("--split") == 0;
    o.prepare.split = o.split == name_of(SplitRule::tail) ? SplitRule::tail : SplitRule::hash;
    std::optional<TokenizerUse> use;
    if (!o.tokenizer.empty()) use = use_of(Tokenizer::load(o.tokenizer), o.tokenizer, o.prepare.out);
    const std::vector<fs::path> inputs(o.inputs.begin(), o.inputs.end());
    ProgressLine progress;
    const PrepareReport report = prepare(inputs, o.prepare, use ? &*use : nullptr, [&](const PrepareProgress& p) {
        progress.show(
            fmt::format("{}: {} documents, {:.1f} MB", p.stage, text_of_whole(p.documents), double(p.bytes) / 1e6));
    });
    progress.clear();
    print_report(report, o.prepare.out, use.has_value());
}

}  // namespace

void add_data_command(CLI::App& app) {
    CLI::App* data = app.add_subcommand("data", "Prepare raw text for training");
    data->require_subcommand(1);
    auto o = std::make_shared<PrepareCommand>();
    PrepareOptions& p = o->prepare;
    CLI::App* command =
        data->add_subcommand("prepare",
                             "Cleans text, drops short and repeated documents, splits off the validation text and, "
                             "with a tokenizer, writes token\n"
                             "shards. Its output folder may be its input: prepare text, train a tokenizer on it, "
                             "then prepare it again with the tokenizer.\n\n"
                             "Example: gradus data prepare texts/ --out data/clean\n"
                             "         gradus tokenizer train data/clean --vocab-size 8192 --out data/clean\n"
                             "         gradus data prepare data/clean --out data/clean --tokenizer data/clean");
    command
        ->add_option("IN", o->inputs,
                     "text files, source code, .jsonl, web pages (also as .gz or .zst), or folders of them")
        ->required();
    command->add_option("--out", p.out, "output folder for documents, report and shards")->required();
    command->add_option("--tokenizer", o->tokenizer, "tokenizer.json or its folder: also write token shards");
    command->add_option("--val-fraction", p.val_fraction, "fraction of the text for validation")
        ->check(number_between(0.0, 0.9))
        ->capture_default_str();
    command
        ->add_option(
            "--split", o->split,
            "hash: validation documents are chosen by a hash of their text; tail: the end of the text. Without this "
            "option, tail replaces hash if that leaves one side empty")
        ->check(one_of_words({name_of(SplitRule::hash), name_of(SplitRule::tail)}))
        ->capture_default_str();
    command->add_option("--min-bytes", p.min_bytes, "drop documents shorter than this")
        ->transform(whole_between(0, 1 << 30))
        ->capture_default_str();
    add_text_key_option(*command, p.read.text_key);
    command->add_option("--max-bad-lines", p.read.max_bad_lines, "malformed .jsonl lines to drop before giving up")
        ->transform(whole_between(0, INT64_MAX))
        ->capture_default_str();
    add_threads_option(*command, p.threads);
    command->callback([o, command] { prepare_data(*o, *command); });
    add_data_prompts(*data);
}

}  // namespace gradus
