#pragma once
// Reads a file's bytes in order and decompresses them on the fly, with only buffers in memory.
//
//   gzip    every member (RFC 1952); zero bytes may follow the last one
//   zstd    every frame, skippable frames included (RFC 8878)
//
// The format is detected from the first bytes, not from the name, and again for the decompressed data: a .zst inside a
// .gz is decompressed twice. A file whose name ends in .gz or .zst must be compressed; it is never read as plain bytes.
//
// Errors: the file cannot be read; compressed data that is damaged, truncated or followed by other bytes (the error
// names the file and the compressed offset); a compressed name on data that is not compressed; more than 8 layers.
#include <filesystem>
#include <memory>
#include <string>

namespace gradus {

class ByteSource {
public:
    virtual ~ByteSource() = default;
    // Reads up to `room` bytes; returns 0 only at the end of the file.
    virtual size_t read(char* buffer, size_t room) = 0;
};

// A file or a pipe.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

// The same for an open source; `path` is for the check of the name and for errors. `window_log`: log2 of the largest
// zstd window that is accepted; 0: any window.
std::unique_ptr<ByteSource> decompressed(std::unique_ptr<ByteSource> source, const std::filesystem::path& path,
                                         int window_log = 0);

// At most `limit` bytes of the decompressed file; `complete` says whether that was all of it.
std::string read_bytes(const std::filesystem::path& path, size_t limit, bool& complete);
std::string read_bytes(ByteSource& source, size_t limit, bool& complete);

// The name without its compression extensions: "a.txt" for "a.txt.gz.zst". Case does not matter.
std::filesystem::path without_compression(const std::filesystem::path& name);

}  // namespace gradus
