#pragma once
// Files that are complete or absent.
//
// Reading: a file is mapped or read in one go, so its size is known before its content is parsed. Writing: under a
// temporary name in the same folder, flushed to the disk, then renamed. A reader sees the old file or the new one,
// never part of one; a full disk or a kill leaves the old one.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace gradus {

namespace fs = std::filesystem;

// The content of a file. Error when it cannot be opened or read.
std::string read_file(const fs::path& path);

// A read-only memory-mapped file: opening costs nothing, pages are read when they are touched.
class MappedFile {
public:
    MappedFile() = default;
    explicit MappedFile(const fs::path& path);  // Error when it cannot be opened
    ~MappedFile();
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;

    const std::byte* data() const { return data_; }
    size_t size() const { return size_; }
    std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
    const fs::path& path() const { return path_; }

private:
    const std::byte* data_ = nullptr;
    size_t size_ = 0;
    fs::path path_;
};

// NAME.tmpPID: this process writes the file under that name and renames it to NAME when it is complete.
fs::path temporary_name(const fs::path& path);

// Writes a file piece by piece under its temporary_name(); commit() makes it visible. Without commit() nothing
// is left, unless the process is killed.
class AtomicFile {
public:
    explicit AtomicFile(const fs::path& path);  // Error when the folder cannot be written
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(const void* data, size_t bytes);  // Error names the file and what is free on its disk
    void write(std::string_view text) { write(text.data(), text.size()); }
    void seek(uint64_t offset);  // to rewrite a header whose counts are known only at the end
    void commit();               // flush, fsync, rename, fsync the folder

private:
    fs::path path_, temporary_;
    int descriptor_ = -1;
    std::string buffer_;
    void flush();
};

// Removes the temporary files that killed processes left in a folder: those whose process no longer runs. For the
// process that has locked the folder, before its own first AtomicFile there.
void remove_stale_temporaries(const fs::path& folder);
// The same for one name: its temporary files and folders.
void remove_stale_temporaries_of(const fs::path& path);

// Whether another process has that process id.
bool is_running(std::string_view pid);

void write_file_atomically(const fs::path& path, std::string_view content);

// Creates the folder and its parents if they do not exist. Error when that fails.
void make_folder(const fs::path& folder);

// Flushes a folder's own entries to the disk, so that a rename in it survives a power cut.
void sync_folder(const fs::path& folder);

// Locks a folder for one process: a second run in the same folder is refused with an Error that names the first one.
// The kernel releases the lock when the process ends, however it ends. On a file system without locks (some network
// ones) the folder is not locked, and a note says so.
class FolderLock {
public:
    static constexpr const char* name = ".lock";  // of its file in the folder

    explicit FolderLock(const fs::path& folder);
    ~FolderLock();
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;

private:
    int descriptor_ = -1;
};

}  // namespace gradus
