#pragma once
// zip archives with uncompressed members: the container that torch.save writes.
//
//   for each member   a local header (30 bytes, its name, extra fields), then its bytes
//   at the end        the central directory (46 bytes a member, name, extra fields), then the end record
//   above 4 GiB       sizes and offsets are in extra fields, and a zip64 end record precedes the end record
//
// Reading: everything is validated before it is used: all headers, names and members lie inside the file, names are
// unique. The CRC-32 of a member is not checked: PyTorch can be configured to write zeros, and its own reader ignores
// it. Writing: each member begins at a multiple of 64 bytes, as in PyTorch's files, so that its numbers can be mapped;
// CRC-32s are right, so that unzip reads the archive.
//
// Source: PKWARE's APPNOTE, sections 4.3 to 4.5.
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/file.h"

namespace gradus {

class ZipFile {
public:
    struct Member {
        std::string name;
        const std::byte* data;  // in the mapped file
        size_t bytes;

        std::string_view text() const { return {reinterpret_cast<const char*>(data), bytes}; }
    };

    // Maps the file. Error if it is not a complete archive, or a member is compressed or encrypted.
    explicit ZipFile(const fs::path& path);

    const fs::path& path() const { return file_.path(); }
    size_t size() const { return file_.size(); }
    const std::vector<Member>& members() const { return members_; }
    const Member* find(const std::string& name) const;  // nullptr where there is none

private:
    MappedFile file_;
    std::vector<Member> members_;
    std::unordered_map<std::string, size_t> by_name_;
};

class ZipWriter {
public:
    explicit ZipWriter(const fs::path& path) : file_(path) {}

    // Begins a member of `bytes` bytes, to be passed to write() piece by piece.
    void begin(const std::string& name, uint64_t bytes);
    void write(const void* data, size_t bytes);
    void add(const std::string& name, std::string_view content);
    void commit();  // the file appears; every member must be complete

private:
    struct Member {
        std::string name;
        uint64_t bytes, place;
        uint32_t crc;
    };
    void put(std::string_view bytes);
    void finish_member();

    AtomicFile file_;
    std::vector<Member> members_;
    uint64_t at_ = 0, left_ = 0;  // bytes written; bytes of the member still to be written
};

}  // namespace gradus
