#pragma once
// A file's bytes in order, decompressed on the way: .gz (every member, one after another), .zst (every frame), or as
// they are. Which one is decided by the first bytes of the file, not by its name, and only a buffer is in memory.
//
// Errors: the file cannot be read; compressed data that is damaged or cut off (names the file and the compressed offset).
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace gradus {

class ByteSource {
public:
    virtual ~ByteSource() = default;
    // Up to `room` bytes; 0 at the end of the file only.
    virtual size_t read(char* buffer, size_t room) = 0;
};

std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

// At most `limit` bytes of the decompressed file; `whole` says whether that was all of it.
std::string read_bytes(const std::filesystem::path& path, size_t limit, bool& whole);

}  // namespace gradus
