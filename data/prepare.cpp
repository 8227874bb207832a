#include "data/prepare.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "data/deduplicate.h"
#include "data/document_file.h"
#include "data/ordered_parallel.h"
#include "data/prepare_report.h"
#include "data/shards.h"
#include "data/text.h"
#include "engine/base/error.h"
#include "engine/base/file.h"

namespace gradus {

namespace {

using Progress = std::function<void(const PrepareProgress&)>;

constexpr size_t batch_bytes = 1 << 20;
constexpr size_t batch_documents = 512;
constexpr const char* splits[] = {"train", "val"};

fs::path text_of(const fs::path& folder, const char* split) { return folder / (std::string(split) + ".jsonl.zst"); }

bool is_there(const fs::path& path) {
    std::error_code failure;
    return fs::exists(path, failure);
}

// What cannot be removed makes the write that follows fail, with its reason.
void take_away(const fs::path& path) {
    std::error_code ignored;
    fs::remove(path, ignored);
}

bool is_prepared(const fs::path& folder) {
    std::error_code failure;
    return fs::is_regular_file(folder / "report.json", failure) &&
           fs::is_regular_file(text_of(folder, "train"), failure);
}

// Some documents on their way through the threads.
struct Batch {
    std::vector<RawDocument> raw;
    std::vector<Finished> finished;
    std::vector<Fingerprint> prints;
    std::vector<std::vector<int32_t>> ids;
};

bool next_batch(DocumentReader& reader, Batch& batch) {
    size_t bytes = 0;
    for (RawDocument raw; bytes < batch_bytes && batch.raw.size() < batch_documents && reader.next_raw(raw);) {
        bytes += raw.bytes.size();
        batch.raw.push_back(std::move(raw));
    }
    return !batch.raw.empty();
}

int thread_count(int asked) { return asked > 0 ? asked : int(std::max(1u, std::thread::hardware_concurrency())); }

void refuse_out_inside_input(const std::vector<fs::path>& inputs, const fs::path& out) {
    std::error_code failure;
    const fs::path target = fs::weakly_canonical(out, failure);
    for (const fs::path& input : inputs) {
        if (!fs::is_directory(input, failure)) continue;
        const fs::path folder = fs::canonical(input, failure);
        const auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), target.begin(), target.end());
        if (end == folder.end())
            throw Error("the output folder '" + out.string() + "' is inside the input '" + input.string() + "'",
                        "a second run would read what the first one wrote",
                        "choose a folder elsewhere, for example: --out " + input.string() + "-prepared");
    }
}

void remove_old(const fs::path& folder) {
    take_away(folder / "report.json");
    for (const char* split : splits) remove_shard(folder / split);
}

std::string reasons(const PrepareReport& report) {
    std::string text;
    for (const auto& [reason, documents] : report.dropped) text += ", " + std::to_string(documents) + " " + reason;
    return text;
}

void refuse_empty(const PrepareReport& report, const PrepareOptions& options) {
    const int64_t kept = report.train.documents + report.val.documents;
    if (kept == 0)
        throw Error("no documents are left", std::to_string(report.documents) + " were read" + reasons(report),
                    "check the inputs, or keep shorter documents: --min-bytes 1");
    const bool no_train = report.train.documents == 0, no_val = report.val.documents == 0 && options.val_fraction > 0;
    if (no_train || no_val)
        throw Error(std::string("the ") + (no_train ? "training" : "validation") + " split is empty",
                    std::to_string(kept) + " documents, of which a fraction of " +
                        std::to_string(options.val_fraction) + " is for validation",
                    options.split == Split::hash ? "cut the text instead of choosing documents: --split tail"
                                                 : "choose another fraction: --val-fraction 0.1");
}

void read_and_split(const std::vector<fs::path>& inputs, const PrepareOptions& options, PrepareReport& report,
                    const Progress& progress) {
    refuse_out_inside_input(inputs, options.out);
    DocumentReader reader(inputs, options.read);
    Deduplicator seen;
    DocumentFile training(text_of(options.out, "train"));
    std::unique_ptr<DocumentFile> validation;
    if (options.val_fraction > 0) validation = std::make_unique<DocumentFile>(text_of(options.out, "val"));
    Splitter splitter(options.split, options.val_fraction, training, validation.get());

    auto transform = [&](Batch& batch) {
        for (RawDocument& raw : batch.raw) {
            batch.finished.push_back(finish(std::move(raw), options.read));
            const auto& document = batch.finished.back().document;
            batch.prints.push_back(document ? fingerprint(document->text) : Fingerprint{});
        }
    };
    int64_t documents = 0, bytes = 0;
    auto consume = [&](Batch& batch) {
        for (size_t i = 0; i < batch.finished.size(); ++i) {
            Finished& one = batch.finished[i];
            ++documents;
            if (one.bad_line) {
                reader.count_bad_line(*one.bad_line);
            } else if (!one.document) {
                ++report.dropped[one.dropped];
            } else if (trimmed(one.document->text).size() < options.min_bytes || trimmed(one.document->text).empty()) {
                ++report.dropped["too_short"];
            } else if (!seen.is_new(batch.prints[i])) {
                ++report.dropped["repeated"];
            } else {
                bytes += int64_t(one.document->text.size());
                splitter.add(std::move(*one.document), batch.prints[i]);
            }
        }
        if (progress) progress({"reading", documents, bytes});
    };
    ordered_parallel<Batch>(
        thread_count(options.threads), [&](Batch& batch) { return next_batch(reader, batch); }, transform, consume);
    splitter.finish();

    for (const fs::path& input : inputs) report.inputs.push_back(input.string());
    report.files = reader.counts().files;
    report.documents = reader.counts().documents;
    report.bytes = reader.counts().bytes;
    report.bad_lines = reader.counts().bad_lines;
    report.other_files = reader.list().of_other_kinds;
    report.repeated_files = reader.list().repeated;
    report.broken_links = reader.list().broken_links;
    report.train = {splitter.training().documents, splitter.training().bytes};
    report.val = {splitter.validation().documents, splitter.validation().bytes};
    refuse_empty(report, options);

    remove_old(options.out);
    training.commit();
    if (validation) validation->commit();
    else take_away(text_of(options.out, "val"));
}

void copy_documents(const fs::path& from, const fs::path& to) {
    remove_old(to);
    for (const char* split : splits) {
        if (!is_there(text_of(from, split))) {
            take_away(text_of(to, split));
            continue;
        }
        const MappedFile source(text_of(from, split));
        write_file_atomically(text_of(to, split), source.text());
    }
}

void tokenize(const fs::path& folder, const char* split, const PrepareOptions& options, const TokenizerUse& tokenizer,
              const PrepareReport& report, SplitReport& counts, const Progress& progress) {
    const std::string stage = std::string("tokenizing ") + split;
    ShardMeta meta;
    meta.tokenizer = "tokenizer.json";
    meta.tokenizer_xxh64 = file_xxh64(tokenizer.file);
    meta.vocab_size = tokenizer.vocab_size;
    meta.end_of_text = tokenizer.end_of_text;
    meta.sources = report.inputs;
    ShardWriter writer(folder / split, meta);
    DocumentReader reader({text_of(folder, split)});

    auto transform = [&](Batch& batch) {
        for (RawDocument& raw : batch.raw) {
            batch.finished.push_back(finish(std::move(raw), reader.options()));
            batch.ids.emplace_back();
            if (const auto& document = batch.finished.back().document)
                tokenizer.encode_append(document->text, batch.ids.back());
        }
    };
    int64_t documents = 0, bytes = 0;
    auto consume = [&](Batch& batch) {
        for (size_t i = 0; i < batch.finished.size(); ++i) {
            if (batch.finished[i].bad_line) throw *batch.finished[i].bad_line;
            const int64_t size = int64_t(batch.finished[i].document->text.size());
            writer.add(batch.ids[i], size);
            ++documents;
            bytes += size;
        }
        if (progress) progress({stage.c_str(), documents, bytes});
    };
    ordered_parallel<Batch>(
        thread_count(options.threads), [&](Batch& batch) { return next_batch(reader, batch); }, transform, consume);
    const ShardMeta made = writer.commit();
    counts = {made.documents, made.bytes, made.tokens};
}

}  // namespace

PrepareReport prepare(const std::vector<fs::path>& inputs, const PrepareOptions& options, const TokenizerUse* tokenizer,
                      const Progress& progress) {
    const auto start = std::chrono::steady_clock::now();
    if (!(options.val_fraction >= 0 && options.val_fraction < 1))
        throw Error("cannot split off a validation fraction of " + std::to_string(options.val_fraction),
                    "the fraction is a number from 0 to below 1", "for example: --val-fraction 0.02");
    std::error_code failure;
    fs::create_directories(options.out, failure);
    if (std::error_code ignored; !fs::is_directory(options.out, ignored))
        throw Error("cannot make the folder '" + options.out.string() + "'",
                    failure ? failure.message() : "a file has that name", "choose another folder: --out DIR");
    const FolderLock lock(options.out);

    PrepareReport report;
    if (inputs.size() == 1 && is_prepared(inputs[0])) {
        report = read_report(inputs[0] / "report.json");
        report.train.tokens = report.val.tokens = 0;
        if (!fs::equivalent(inputs[0], options.out, failure)) copy_documents(inputs[0], options.out);
    } else {
        read_and_split(inputs, options, report, progress);
    }
    if (tokenizer) {
        const std::string content = read_file(tokenizer->file);
        for (const char* split : splits) remove_shard(options.out / split);
        write_file_atomically(options.out / "tokenizer.json", content);
        tokenize(options.out, "train", options, *tokenizer, report, report.train, progress);
        if (is_there(text_of(options.out, "val")))
            tokenize(options.out, "val", options, *tokenizer, report, report.val, progress);
    }
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    write_report(options.out / "report.json", report);
    return report;
}

}  // namespace gradus
