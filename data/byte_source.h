#pragma once
// A file's bytes in order, decompressed on the way, with only buffers in memory.
//
//   gzip    every member (RFC 1952); zero bytes may follow the last one
//   zstd    every frame, skippable frames included (RFC 8878)
//
// What a file is is decided by its first bytes, not by its name, and again for what comes out: a .zst inside a .gz is
// decompressed twice. A name that ends in .gz or .zst promises compressed data: such a file is never read as it is.
//
// Errors: the file cannot be read; compressed data that is damaged, cut off or followed by other bytes (names the file
// and the compressed offset); a compressed name on data that is not compressed; more than 8 layers.
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

// A file or a pipe.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

// The same for bytes that are open already; `path` is for the promise of the name and for errors. `window_log`: log2 of the
// largest window of zstd that is read; 0: whatever the writer chose.
std::unique_ptr<ByteSource> decompressed(std::unique_ptr<ByteSource> source, const std::filesystem::path& path,
                                         int window_log = 0);

// At most `limit` bytes of the decompressed file; `whole` says whether that was all of it.
std::string read_bytes(const std::filesystem::path& path, size_t limit, bool& whole);
std::string read_bytes(ByteSource& source, size_t limit, bool& whole);

// The name without its compression endings: "a.txt" for "a.txt.gz.zst". The case does not matter.
std::filesystem::path without_compression(const std::filesystem::path& name);

}  // namespace gradus
