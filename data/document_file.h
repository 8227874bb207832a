#pragma once
// Writes documents as .jsonl.zst, one {"text": …, "source": …} per line, zstd level 3. The file is written atomically.
//
// It is a sequence of independent zstd frames of about 4 MiB of text, each of which ends at a line end: a zstd reader
// sees one stream, and a reader can also start at any frame.
#include <filesystem>
#include <string>
#include <vector>

#include "data/document.h"
#include "engine/base/file.h"

namespace gradus {

class DocumentFile {
public:
    explicit DocumentFile(const std::filesystem::path& path);  // Error if it cannot be written
    void add(const Document& document);
    void commit();  // without it no file is left

private:
    void end_frame();

    AtomicFile file_;
    std::string frame_;
    std::vector<char> compressed_;
};

}  // namespace gradus
