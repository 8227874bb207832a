#include "data/readers.h"

#include <algorithm>

#include "data/charset.h"
#include "data/extract_html.h"
#include "data/json_line.h"
#include "data/prepared_folder.h"
#include "data/text.h"
#include "data/text_content.h"
#include "engine/base/log.h"

namespace gradus {

namespace {

constexpr size_t read_size = 1 << 20;

Error bad_line_error(const RawDocument& raw, const BadLine& bad) {
    const std::string fix = raw.prepared ? "prepare the text again: gradus data prepare TEXTS --out " +
                                               std::filesystem::path(raw.file).parent_path().string()
                            : bad.fix.empty() ? "correct that line, or drop some: gradus data prepare " + raw.file +
                                                    " --out DIR --max-bad-lines 10"
                                              : bad.fix;
    return Error("bad line at '" + raw.file + ":" + std::to_string(raw.line) + ":" + std::to_string(bad.column) + "'",
                 bad.cause, fix);
}

// JSON exchanged between systems is UTF-8 (RFC 8259), but some shells write UTF-16.
void refuse_utf16(const RawDocument& first_line) {
    const std::string mark = first_line.bytes.substr(0, 2);
    if (mark == "\xFF\xFE" || mark == "\xFE\xFF")
        throw Error("'" + first_line.file + "' is not UTF-8", "it begins with the byte order mark of UTF-16",
                    "iconv -f UTF-16 -t UTF-8 " + first_line.file + " > utf8.jsonl");
}

size_t longest_line(bool prepared, const ReadOptions& options) {
    return prepared ? options.max_prepared_line_bytes : options.max_line_bytes;
}

Finished finish_json_line(const RawDocument& raw, const ReadOptions& options) {
    Finished finished;
    BadLine bad;
    if (!raw.complete) {
        const size_t most = longest_line(raw.prepared, options);
        bad = {most + 1, "the line is longer than " + std::to_string(most) + " bytes",
               "put one document on each line, or drop some: gradus data prepare " + raw.file +
                   " --out DIR --max-bad-lines 10"};
    } else if (auto text = text_of_json_line(raw.bytes, options.text_key, bad)) {
        finished.document = Document{std::move(*text), raw.source()};
        return finished;
    }
    finished.bad_line = bad_line_error(raw, bad);
    return finished;
}

std::string why_dropped(const std::string& reason, const ReadOptions& options) {
    if (reason == "not_text") return "it is a binary file, whatever its name says";
    if (reason == "too_large")
        return "a text may have at most " + std::to_string(options.max_text_bytes) + " bytes, a page " +
               std::to_string(options.max_page_bytes);
    std::string words = reason;
    std::replace(words.begin(), words.end(), '_', ' ');
    return "the page is refused: " + words;
}

}  // namespace

Finished finish(RawDocument&& raw, const ReadOptions& options) {
    Finished finished;
    if (raw.kind == FileKind::jsonl) {
        finished = finish_json_line(raw, options);
    } else if (!raw.complete) {
        finished.dropped = "too_large";
    } else if (!why_binary(raw.bytes).empty()) {
        finished.dropped = "not_text";
    } else if (raw.kind == FileKind::text) {
        finished.document = Document{to_utf8(raw.bytes, Markup::none), raw.source()};
    } else {
        Extraction page = extract_page(raw.bytes, is_xhtml_name(raw.file) ? Markup::xml : Markup::html);
        if (page.refused.empty()) finished.document = Document{std::move(page.text), raw.source()};
        else finished.dropped = page.refused;
    }
    if (!finished.document) return finished;
    clean_text(finished.document->text);
    if (finished.document->text.size() > options.max_text_bytes) return {std::nullopt, "too_large", std::nullopt};
    return finished;
}

DocumentReader::DocumentReader(const std::vector<std::filesystem::path>& inputs, ReadOptions options)
    : options_(std::move(options)), list_(list_files(inputs, options_.pipes)) {}

bool DocumentReader::next_raw(RawDocument& raw) {
    while (true) {
        if (lines_) {
            if (next_line(raw)) break;
            lines_.reset();
        }
        if (next_file_ == list_.files.size()) return false;
        const InputFile& file = list_.files[next_file_++];
        ++counts_.files;
        if (file.kind == FileKind::jsonl) {
            lines_ = open_bytes(file.path);
            lines_path_ = file.path.string();
            lines_prepared_ = is_prepared_file(file.path);
            line_ = 0;
            continue;
        }
        raw = RawDocument{file.kind, "", file.path.string()};
        const size_t cap = file.kind == FileKind::html ? options_.max_page_bytes : options_.max_text_bytes;
        raw.bytes = read_bytes(file.path, cap, raw.complete);
        break;
    }
    ++counts_.documents;
    counts_.bytes += int64_t(raw.bytes.size());
    return true;
}

// The next line that is not blank. Bytes beyond the limit are read and discarded.
bool DocumentReader::next_line(RawDocument& raw) {
    while (true) {
        raw = RawDocument{FileKind::jsonl, "", lines_path_};
        raw.prepared = lines_prepared_;
        bool ended = false;
        while (!ended) {
            if (buffer_at_ == buffer_.size()) {
                buffer_.resize(read_size);
                buffer_.resize(lines_->read(buffer_.data(), read_size));
                buffer_at_ = 0;
                if (buffer_.empty()) break;
            }
            const size_t newline = std::min(buffer_.find('\n', buffer_at_), buffer_.size());
            ended = newline < buffer_.size();
            const size_t room = longest_line(raw.prepared, options_) - raw.bytes.size();
            raw.complete = raw.complete && newline - buffer_at_ <= room;
            raw.bytes.append(buffer_, buffer_at_, std::min(newline - buffer_at_, room));
            buffer_at_ = newline + (ended ? 1 : 0);
        }
        if (!ended && raw.bytes.empty()) return false;
        raw.line = ++line_;
        if (line_ == 1) refuse_utf16(raw);
        // At the beginning of the file, or of a file that was appended to another.
        if (raw.bytes.compare(0, 3, "\xEF\xBB\xBF") == 0) raw.bytes.erase(0, 3);
        if (!trimmed(raw.bytes).empty()) return true;
    }
}

void DocumentReader::count_bad_line(const Error& error) {
    if (++counts_.bad_lines > options_.max_bad_lines) throw error;
}

bool DocumentReader::next(Document& document) {
    for (RawDocument raw; next_raw(raw);) {
        Finished finished = finish(std::move(raw), options_);
        if (finished.bad_line) count_bad_line(*finished.bad_line);
        else if (!finished.document) ++counts_.dropped[finished.dropped];
        if (!finished.document) continue;
        document = std::move(*finished.document);
        return true;
    }
    return false;
}

std::string skipped_documents(const DocumentReader& reader) {
    std::vector<std::string> parts;
    int64_t documents = 0;
    std::string reasons;
    for (const auto& [reason, n] : reader.counts().dropped) {
        documents += n;
        reasons += (reasons.empty() ? "" : ", ") + std::to_string(n) + " " + reason;
    }
    if (documents > 0) parts.push_back(counted(documents, "document", "documents") + ": " + reasons);
    const FileList& list = reader.list();
    if (const int64_t others = list.of_other_kinds(); others > 0)
        parts.push_back(counted(others, "file of another kind", "files of other kinds") + ": " +
                        text_of(list.other_kinds));
    if (list.broken_links > 0) parts.push_back(counted(list.broken_links, "broken link", "broken links"));
    if (list.repeated > 0) parts.push_back(counted(list.repeated, "repeated file", "repeated files"));
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
    return text;
}

std::vector<Document> read_documents(const std::vector<std::filesystem::path>& inputs, const std::string& text_key) {
    ReadOptions options;
    options.text_key = text_key;
    options.pipes = Pipes::read;
    DocumentReader reader(inputs, options);
    std::vector<Document> documents;
    for (RawDocument raw; reader.next_raw(raw);) {
        const std::string source = raw.source();
        Finished finished = finish(std::move(raw), options);
        if (finished.bad_line) throw *finished.bad_line;
        if (!finished.document)
            throw Error("'" + source + "' gives no text", why_dropped(finished.dropped, options),
                        "convert it to text first, or remove it from the inputs");
        documents.push_back(std::move(*finished.document));
    }
    if (const std::string others = skipped_documents(reader); !others.empty()) note("skipped: " + others);
    return documents;
}

}  // namespace gradus
