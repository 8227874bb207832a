#pragma once
// Reads documents from files in a fixed order (file_list.h), in two steps:
//
//   DocumentReader::next_raw   the bytes of the next document: a complete .txt or page, a line of a .jsonl. Reads the
//                              disk and decompresses; one caller at a time
//   finish                     bytes → Document: charset, cleaning, JSON, main text of HTML. A pure function, so that
//                              any number of threads can run it
//
// DocumentReader::next does both. read_documents returns all documents, for commands that may not skip any.
//
// A malformed .jsonl line is an Error with file:line:column, unless `max_bad_lines` allows it: then it is counted. A
// UTF-16 .jsonl is an Error. Documents above the size limits, and files that are not text whatever their name says
// (text_content.h), are dropped and counted. Files that cannot be read or decompressed are Errors.
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/byte_source.h"
#include "data/document.h"
#include "data/file_list.h"
#include "engine/base/error.h"

namespace gradus {

struct ReadOptions {
    std::string text_key = "text";      // of .jsonl
    int64_t max_bad_lines = 0;          // of .jsonl, over all files
    size_t max_page_bytes = 16 << 20;   // of .html
    size_t max_text_bytes = 1 << 30;    // of .txt, and of any text as UTF-8: so it has fewer than 2^31 tokens
    size_t max_line_bytes = 256 << 20;  // of .jsonl
    // For the documents of a prepared folder: their texts of up to max_text_bytes have escaped quotes and line ends.
    size_t max_prepared_line_bytes = size_t(3) << 30;
    Pipes pipes = Pipes::refuse;
};

struct RawDocument {
    FileKind kind = FileKind::text;
    std::string bytes;
    std::string file;
    int64_t line = 0;       // of .jsonl, from 1
    bool complete = true;   // false: truncated at a size limit
    bool prepared = false;  // a line of a prepared folder

    std::string source() const { return line > 0 ? file + ":" + std::to_string(line) : file; }
};

struct Finished {
    std::optional<Document> document;
    std::string dropped;            // why there is no document, if that is not an error
    std::optional<Error> bad_line;  // what is wrong with the line, if it is malformed
};

Finished finish(RawDocument&& raw, const ReadOptions& options);

struct ReadCounts {
    int64_t files = 0;      // opened so far
    int64_t documents = 0;  // raw
    int64_t bytes = 0;      // of raw documents, decompressed
    int64_t bad_lines = 0;
    std::map<std::string, int64_t> dropped;  // by next(): reason → documents
};

class DocumentReader {
public:
    explicit DocumentReader(const std::vector<std::filesystem::path>& inputs, ReadOptions options = {});

    bool next_raw(RawDocument& raw);          // false at the end of the last file
    bool next(Document& document);            // skips what `finish` drops
    void count_bad_line(const Error& error);  // throws it if there are too many

    const ReadCounts& counts() const { return counts_; }
    const FileList& list() const { return list_; }
    const ReadOptions& options() const { return options_; }

private:
    bool next_line(RawDocument& raw);

    ReadOptions options_;
    FileList list_;
    ReadCounts counts_;
    size_t next_file_ = 0;
    std::unique_ptr<ByteSource> lines_;  // the open .jsonl
    std::string lines_path_;
    bool lines_prepared_ = false;
    int64_t line_ = 0;
    std::string buffer_;
    size_t buffer_at_ = 0;
};

// What next() and the list of files skipped: "2 documents: 1 not_text, 1 too_large"; empty: nothing.
std::string skipped_documents(const DocumentReader& reader);

// All documents of the files that a user named, which may be pipes. A document that next() would drop is an Error; a
// note names the other files in folders.
std::vector<Document> read_documents(const std::vector<std::filesystem::path>& inputs,
                                     const std::string& text_key = ReadOptions{}.text_key);

}  // namespace gradus
