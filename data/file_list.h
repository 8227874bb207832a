#pragma once
// Which files the inputs of a command mean, and in which order.
//
// An input is a file or a folder. A folder stands for every file below it whose name says that it holds documents,
// sorted by path as bytes, so that the order is the same on every machine:
//
//   .txt                one document
//   .html .htm .xhtml   one page, one document
//   .jsonl              one document a line
//
// each also with .gz or .zst behind it, in small or capital letters. Links to files are followed, links to folders below
// an input are not. A file that can be reached by two names is read once, under the first.
//
// Errors: an input that does not exist, is of no known kind, or is a pipe or a device; inputs that together hold no
// document file.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gradus {

enum class FileKind { text, html, jsonl };

struct InputFile {
    std::filesystem::path path;
    FileKind kind;
};

struct FileList {
    std::vector<InputFile> files;
    int64_t of_other_kinds = 0;  // below folders: by name, and pipes, sockets and devices
    int64_t repeated = 0;        // the same real file under another name
    int64_t broken_links = 0;
};

FileList list_files(const std::vector<std::filesystem::path>& inputs);

std::optional<FileKind> kind_of(const std::filesystem::path& path);

}  // namespace gradus
