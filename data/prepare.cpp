#include "data/prepare.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <thread>

#include "data/deduplicate.h"
#include "data/document_file.h"
#include "data/json_line.h"
#include "data/ordered_parallel.h"
#include "data/prepare_report.h"
#include "data/prepared_folder.h"
#include "data/shards.h"
#include "data/text.h"
#include "engine/base/error.h"
#include "engine/base/file.h"
#include "engine/base/log.h"

namespace gradus {

namespace {

using Progress = std::function<void(const PrepareProgress&)>;

constexpr size_t batch_bytes = 1 << 20;
constexpr size_t batch_documents = 512;

bool is_there(const fs::path& path) {
    std::error_code failure;
    return fs::exists(path, failure);
}

// If this fails, the write that follows fails as well and gives the reason.
void remove_if_present(const fs::path& path) {
    std::error_code ignored;
    fs::remove(path, ignored);
}

// Some documents that one thread processes at a time.
struct Batch {
    std::vector<RawDocument> raw;
    std::vector<Finished> finished;
    std::vector<TextHash> hashes;
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
                        "a second run would read the output of the first one",
                        "choose another folder, for example: --out " + input.string() + "-prepared");
    }
}

// An output cannot be an input: it would be replaced while it is still needed.
void refuse_outputs_as_inputs(const FileList& list, const fs::path& out) {
    std::error_code failure;
    for (const char* split : prepared_splits) {
        const fs::path output = documents_of(out, split);
        if (!is_there(output)) continue;
        for (const InputFile& file : list.files)
            if (fs::equivalent(file.path, output, failure))
                throw Error("the input '" + file.path.string() + "' is a file that this command writes",
                            "'" + output.string() + "' would be overwritten by the result",
                            "choose another folder, for example: --out " + out.string() + "-again");
    }
}

void remove_old(const fs::path& folder) {
    remove_if_present(report_of(folder));
    for (const char* split : prepared_splits) remove_shard(folder / split);
}

std::string reasons(const PrepareReport& report) {
    std::string text;
    for (const auto& [reason, documents] : report.dropped) text += ", " + std::to_string(documents) + " " + reason;
    return text;
}

bool is_empty_on_one_side(const PrepareReport& report, const PrepareOptions& options) {
    return report.train.documents == 0 || (report.val.documents == 0 && options.val_fraction > 0);
}

void refuse_empty(const PrepareReport& report, const PrepareOptions& options) {
    const int64_t kept = report.train.documents + report.val.documents;
    if (kept == 0)
        throw Error("no documents are left", counted(report.documents, "was", "were") + " read" + reasons(report),
                    "check the inputs, or keep shorter documents: --min-bytes 1");
    if (is_empty_on_one_side(report, options))
        throw Error(std::string("the ") + (report.train.documents == 0 ? "training" : "validation") + " split is empty",
                    counted(kept, "document", "documents") + ", of which a fraction of " +
                        std::to_string(options.val_fraction) + " is for validation",
                    options.split == SplitRule::hash
                        ? "split the text at a position instead of by documents: --split tail"
                        : "choose another fraction: --val-fraction 0.1");
}

// False if the split by hash left one side empty and the tail may be used instead; nothing is changed then.
bool read_and_split(const std::vector<fs::path>& inputs, const PrepareOptions& options, PrepareReport& report,
                    const Progress& progress) {
    refuse_out_inside_input(inputs, options.out);
    DocumentReader reader(inputs, options.read);
    refuse_out_inside_input(reader.list().linked_folders, options.out);
    refuse_outputs_as_inputs(reader.list(), options.out);
    Deduplicator seen;
    DocumentFile training(documents_of(options.out, "train"));
    std::unique_ptr<DocumentFile> validation;
    if (options.val_fraction > 0) validation = std::make_unique<DocumentFile>(documents_of(options.out, "val"));
    Splitter splitter(options.split, options.val_fraction, training, validation.get());

    auto transform = [&](Batch& batch) {
        for (RawDocument& raw : batch.raw) {
            batch.finished.push_back(finish(std::move(raw), options.read));
            auto& document = batch.finished.back().document;
            if (document && !fits_json_line(document->text, document->source, options.read.max_prepared_line_bytes)) {
                document.reset();
                batch.finished.back().dropped = "too_large";
            }
            batch.hashes.push_back(document ? text_hash(document->text) : TextHash{});
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
            } else if (!seen.is_new(batch.hashes[i])) {
                ++report.dropped["repeated"];
            } else {
                bytes += int64_t(one.document->text.size());
                splitter.add(std::move(*one.document), batch.hashes[i]);
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
    report.other_kinds = reader.list().other_kinds;
    report.repeated_files = reader.list().repeated;
    report.repeated_folders = reader.list().repeated_folders;
    report.broken_links = reader.list().broken_links;
    report.train = {splitter.training().documents, splitter.training().bytes};
    report.val = {splitter.validation().documents, splitter.validation().bytes};
    report.split = options.split;
    const bool any = report.train.documents + report.val.documents > 0;
    if (any && options.split == SplitRule::hash && options.may_fall_back && is_empty_on_one_side(report, options))
        return false;
    refuse_empty(report, options);

    remove_old(options.out);
    training.commit();
    if (validation) validation->commit();
    else remove_if_present(documents_of(options.out, "val"));
    return true;
}

// A corpus of one or few documents may have to be read a second time, to split by the tail.
void read_and_split_with_fallback(const std::vector<fs::path>& inputs, const PrepareOptions& options,
                                  PrepareReport& report, const Progress& progress) {
    if (read_and_split(inputs, options, report, progress)) return;
    const int64_t kept = report.train.documents + report.val.documents;
    const char* empty = report.train.documents == 0 ? "training" : "validation";
    PrepareOptions tail = options;
    tail.split = SplitRule::tail;
    report = {};
    read_and_split(inputs, tail, report, progress);
    note("a split of " + counted(kept, "document", "documents") + " by hash leaves no " + empty +
         " text; instead the last " + counted(report.val.bytes, "byte is", "bytes are") +
         " used for validation, as with --split tail");
}

void copy_documents(const fs::path& from, const fs::path& to) {
    remove_old(to);
    for (const char* split : prepared_splits) {
        if (!is_there(documents_of(from, split))) {
            remove_if_present(documents_of(to, split));
            continue;
        }
        const MappedFile source(documents_of(from, split));
        write_file_atomically(documents_of(to, split), source.text());
    }
}

void encode(const TokenizerUse& tokenizer, const Document& document, std::vector<int32_t>& ids) {
    try {
        tokenizer.encode_append(document.text, ids);
    } catch (const Error& error) {
        throw Error("'" + document.source + "' cannot be tokenized: " + error.what(), error.cause, error.fix);
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
    ReadOptions read;
    read.max_text_bytes = options.read.max_text_bytes;
    read.max_prepared_line_bytes = options.read.max_prepared_line_bytes;
    DocumentReader reader({documents_of(folder, split)}, read);

    auto transform = [&](Batch& batch) {
        for (RawDocument& raw : batch.raw) {
            batch.finished.push_back(finish(std::move(raw), reader.options()));
            batch.ids.emplace_back();
            if (const auto& document = batch.finished.back().document) encode(tokenizer, *document, batch.ids.back());
        }
    };
    int64_t documents = 0, bytes = 0;
    auto consume = [&](Batch& batch) {
        for (size_t i = 0; i < batch.finished.size(); ++i) {
            if (batch.finished[i].bad_line) throw *batch.finished[i].bad_line;
            if (!batch.finished[i].document)
                throw Error("a document of '" + documents_of(folder, split).string() + "' is too long",
                            "a text may have at most " + std::to_string(read.max_text_bytes) + " bytes",
                            "prepare the text again: gradus data prepare TEXTS --out " + folder.string());
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

// The output folder. If this call makes it and then fails before it has written anything, it is removed again.
class OutputFolder {
public:
    explicit OutputFolder(const fs::path& path) : path_(path), exceptions_(std::uncaught_exceptions()) {
        std::error_code ignored;
        made_ = !fs::exists(path, ignored);
        make_folder(path);
    }
    ~OutputFolder() {
        if (!made_ || std::uncaught_exceptions() == exceptions_) return;
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(path_, ignored))
            if (entry.path().filename() != FolderLock::name) return;
        fs::remove(path_ / FolderLock::name, ignored);
        fs::remove(path_, ignored);
    }
    OutputFolder(const OutputFolder&) = delete;
    OutputFolder& operator=(const OutputFolder&) = delete;

private:
    fs::path path_;
    int exceptions_;
    bool made_ = false;
};

}  // namespace

PrepareReport prepare(const std::vector<fs::path>& inputs, const PrepareOptions& options, const TokenizerUse* tokenizer,
                      const Progress& progress) {
    const auto start = std::chrono::steady_clock::now();
    if (!(options.val_fraction >= 0 && options.val_fraction < 1))
        throw Error("cannot split off a validation fraction of " + std::to_string(options.val_fraction),
                    "the fraction must be at least 0 and below 1", "for example: --val-fraction 0.02");
    std::error_code failure;
    const OutputFolder out(options.out);
    const FolderLock lock(options.out);
    remove_stale_temporaries(options.out);
    const std::string tokenizer_json = tokenizer ? read_file(tokenizer->file) : "";

    PrepareReport report;
    if (inputs.size() == 1 && is_prepared(inputs[0])) {
        report = read_report(report_of(inputs[0]));
        if (!fs::equivalent(inputs[0], options.out, failure)) copy_documents(inputs[0], options.out);
    } else {
        read_and_split_with_fallback(inputs, options, report, progress);
    }
    if (tokenizer)
        for (const char* split : prepared_splits) remove_shard(options.out / split);
    if (!has_shard(options.out / "train")) report.train.tokens = 0;
    if (!has_shard(options.out / "val")) report.val.tokens = 0;

    auto save = [&] {
        report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        write_report(report_of(options.out), report);
    };
    save();  // before tokenizing, so that an error there does not lose the documents
    if (tokenizer) {
        write_file_atomically(options.out / "tokenizer.json", tokenizer_json);
        tokenize(options.out, "train", options, *tokenizer, report, report.train, progress);
        if (is_there(documents_of(options.out, "val")))
            tokenize(options.out, "val", options, *tokenizer, report, report.val, progress);
        save();
    }
    return report;
}

}  // namespace gradus
