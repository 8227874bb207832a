#pragma once
// An append-only log file of complete records. Once it is open, no failure to write ends the run.
//
// When a write fails (a full disk), one note says so, the records are dropped, and the file is truncated to its last
// complete record; when writes succeed again, logging continues.
#include <string_view>

#include "engine/base/file.h"

namespace gradus {

class AppendFile {
public:
    AppendFile() = default;
    // Where it cannot be opened is_open() is false, and errno says why.
    AppendFile(const fs::path& path, int flags);
    ~AppendFile();
    AppendFile(AppendFile&& other) noexcept;
    AppendFile& operator=(AppendFile&& other) noexcept;

    bool is_open() const { return descriptor_ >= 0; }
    uint64_t bytes() const { return bytes_; }  // of complete records
    // Writes all of them and returns true, or none.
    bool append(std::string_view records);
    void sync();       // to the disk
    void tell_once();  // prints the note, with errno's reason

private:
    void close();

    fs::path path_;
    int descriptor_ = -1;
    uint64_t bytes_ = 0;
    bool noted_ = false;
};

}  // namespace gradus
