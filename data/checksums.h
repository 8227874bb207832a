#pragma once
// NAME.checksums: the checksum of every block of NAME.bin, so that a reader notices a changed byte where it reads, and
// reads no more than the block around it.
//
//   "GRADSUM1", u64 bytes of a block, u64 bytes of NAME.bin, u64 number of blocks, u64 XXH3-64 of each block
//
// A block has 64 KiB, about what the kernel reads ahead anyway; the last one has what is left. The file has 1/8192 of
// the size of the .bin, and .meta.json holds the checksum of it.
// Source: xxHash, https://github.com/Cyan4973/xxHash (doc/xxhash_spec.md).
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/file.h"

struct XXH3_state_s;

namespace gradus {

// Made while the blocks are written.
class ChecksumWriter {
public:
    ChecksumWriter();
    ~ChecksumWriter();
    void add(const void* data, size_t bytes);
    std::string finish();  // the content of NAME.checksums

private:
    void end_block();

    XXH3_state_s* state_;
    uint64_t bytes_ = 0;
    std::vector<uint64_t> sums_;
};

// Checks each block once, when it is read first. Thread-safe.
class Checksums {
public:
    // Error-free: empty when `file` fits the .bin of so many bytes, otherwise what is wrong with it.
    std::string open(MappedFile file, uint64_t bin_bytes);
    bool is_open() const { return !checked_.empty(); }

    // The first byte of a block around [begin, end) that is not what was written; −1: all of them are.
    int64_t first_changed(const MappedFile& bin, uint64_t begin, uint64_t end) const;

private:
    MappedFile file_;
    uint64_t block_bytes_ = 0, blocks_ = 0;
    mutable std::vector<std::atomic<uint64_t>> checked_;  // a bit a block
};

}  // namespace gradus
