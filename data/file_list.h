#pragma once
// Which files the inputs of a command mean, and in which order.
//
// An input is a file or a folder. A folder means every file below it whose extension is one of these, sorted by path as
// bytes, so that the order is the same on every machine:
//
//   text     one document                  .txt .text .md .markdown .rst .org .adoc .tex, and source code: .py .c .h …
//   pages    one page, one document        .html .htm .xhtml .xht
//   jsonl    one document per line         .jsonl .ndjson
//
// each also with .gz or .zst appended, once or several times, in lower or upper case. A file given as an input may have
// any name: if the extension says nothing, the content decides whether it is text.
//
// Symbolic links are followed, also to folders. A file or folder reachable by two names is read once, under the first.
//
// Errors: an input that does not exist, is not text, is a device, or is a pipe where pipes are refused; inputs without
// any document file.
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gradus {

enum class FileKind { text, html, jsonl };

struct InputFile {
    std::filesystem::path path;
    FileKind kind;
};

struct OtherKind {
    int64_t files = 0;
    std::string example;  // the path of the first one
};

struct FileList {
    std::vector<InputFile> files;
    // Skipped files in folders, by extension (".pdf"; "without ending"; "pipe, socket or device").
    std::map<std::string, OtherKind> other_kinds;
    int64_t repeated = 0;          // the same real file under another name
    int64_t repeated_folders = 0;  // the same real folder under another name
    int64_t broken_links = 0;
    std::vector<std::filesystem::path> linked_folders;  // links to folders that were followed

    int64_t of_other_kinds() const;
};

// A pipe can be read only once, so its content cannot be checked first: if pipes are read, they are taken as text.
enum class Pipes { refuse, read };

FileList list_files(const std::vector<std::filesystem::path>& inputs, Pipes pipes = Pipes::refuse);

// By the name only.
std::optional<FileKind> kind_of(const std::filesystem::path& path);

// "3 .pdf ('a/b.pdf'), 1 .docx ('a/c.docx')": the most frequent kinds.
std::string text_of(const std::map<std::string, OtherKind>& kinds);

}  // namespace gradus
