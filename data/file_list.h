#pragma once
// Which files the inputs of a command mean, and in which order.
//
// An input is a file or a folder. A folder stands for every file below it whose name says that it holds documents,
// sorted by path as bytes, so that the order is the same on every machine:
//
//   text     one document                  .txt .text .md .markdown .rst .org .adoc .tex, and source code: .py .c .h …
//   pages    one page, one document        .html .htm .xhtml .xht
//   jsonl    one document a line           .jsonl .ndjson
//
// each also with .gz or .zst behind it, once or several times, in small or capital letters. A file that is an input
// itself may have any name: where that says nothing, its content decides whether it is text.
//
// Links are followed, also those to folders. A file or a folder that can be reached by two names is read once, under the
// first.
//
// Errors: an input that does not exist, is not text, is a device, or is a pipe where those are refused; inputs that together hold no document
// file.
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
    std::string example;  // the first of them
};

struct FileList {
    std::vector<InputFile> files;
    // Below folders, by ending (".pdf"; "without ending"; "pipe, socket or device").
    std::map<std::string, OtherKind> other_kinds;
    int64_t repeated = 0;          // the same real file under another name
    int64_t repeated_folders = 0;  // the same real folder under another name
    int64_t broken_links = 0;
    std::vector<std::filesystem::path> linked_folders;  // links to folders that were followed

    int64_t of_other_kinds() const;
};

// A pipe can be read once, and nothing be known of it before: where pipes are read, one is taken for text.
enum class Pipes { refuse, read };

FileList list_files(const std::vector<std::filesystem::path>& inputs, Pipes pipes = Pipes::refuse);

// By the name alone.
std::optional<FileKind> kind_of(const std::filesystem::path& path);

// "3 .pdf ('a/b.pdf'), 1 .docx ('a/c.docx')": the most frequent ones.
std::string text_of(const std::map<std::string, OtherKind>& kinds);

}  // namespace gradus
