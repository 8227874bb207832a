#pragma once
// A file of JSON lines whose every line is precious: on the disk (fsync) when append() returns.
//
// A line that cannot be written leaves nothing behind and is an Error. The file is locked while it is open, since the
// lines of two programs could mix. A kill in the middle of a write leaves part of a line; opening the file again
// removes it, and a note says so. A file that was created and got no line is removed again.
#include <string>
#include <vector>

#include "engine/base/file.h"

namespace gradus {

struct CompleteLines {
    std::vector<std::string> lines;  // without line ends; line i of the file is lines[i − 1]
    size_t bytes = 0;                // up to the end of the last one
    bool ended = true;               // false: the last one lacks only its line end
    bool rest = false;               // an incomplete line follows
};
CompleteLines read_complete_lines(const fs::path& path);

class LineFile {
public:
    // Opens or creates the file. Error if another process has it open or it cannot be written.
    explicit LineFile(const fs::path& path);
    ~LineFile();
    LineFile(const LineFile&) = delete;
    LineFile& operator=(const LineFile&) = delete;

    const fs::path& path() const { return path_; }
    const std::vector<std::string>& lines() const { return lines_; }  // that the file had when it was opened
    void append(const std::string& line);                             // without its line end

private:
    void repair();
    void write(const std::string& text);

    fs::path path_;
    int descriptor_ = -1;
    bool is_new_ = false;
    uint64_t bytes_ = 0;  // of complete lines
    std::vector<std::string> lines_;
};

}  // namespace gradus
