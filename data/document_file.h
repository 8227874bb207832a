#pragma once
// Writes documents as .jsonl.zst: {"text": …, "source": …} a line, zstd level 3, whole or absent.
//
// The file is a sequence of independent zstd frames of about 4 MiB of text that end with a line: any zstd reader sees
// one stream, and a reader that wants to can start at any frame.
#include <filesystem>
#include <string>
#include <vector>

#include "data/document.h"
#include "engine/base/file.h"

namespace gradus {

class DocumentFile {
public:
    explicit DocumentFile(const std::filesystem::path& path);  // Error when it cannot be written
    void add(const Document& document);
    void commit();  // without it nothing is left

private:
    void end_frame();

    AtomicFile file_;
    std::string frame_;
    std::vector<char> compressed_;
};

}  // namespace gradus
