#pragma once
// The file of a log: complete records are appended to it, and nothing about it ends a run once it is open.
//
// Where the system takes no more, a note says so once, what could not be written is dropped, and the file is cut back to its
// last complete record; when there is room again, it goes on.
#include <string_view>

#include "engine/base/file.h"

namespace gradus {

class AppendFile {
public:
    AppendFile() = default;
    // Where it cannot be opened errno says why, and is_open() is false.
    AppendFile(const fs::path& path, int flags);
    ~AppendFile();
    AppendFile(AppendFile&& other) noexcept;
    AppendFile& operator=(AppendFile&& other) noexcept;

    bool is_open() const { return descriptor_ >= 0; }
    uint64_t bytes() const { return bytes_; }  // of complete records
    // All of them or none; false: none.
    bool append(std::string_view records);
    void sync();       // to the disk
    void tell_once();  // the note, by errno

private:
    void close();

    fs::path path_;
    int descriptor_ = -1;
    uint64_t bytes_ = 0;
    bool noted_ = false;
};

}  // namespace gradus
