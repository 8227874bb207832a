#pragma once
// NAME.checksums: a checksum for every block of NAME.bin, so that a reader detects a changed byte when it reads it, and
// has to read only the block around it.
//
//   "GRADSUM1", u64 bytes per block, u64 bytes of NAME.bin, u64 number of blocks, u64 XXH3-64 of each block
//
// A block has 64 KiB, about the kernel's read-ahead; the last one may be shorter. The file has 1/8192 of the size of
// the .bin, and .meta.json has its checksum.
// Source: xxHash, https://github.com/Cyan4973/xxHash (doc/xxhash_spec.md).
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/file.h"

struct XXH3_state_s;

namespace gradus {

// Computes the checksums while the blocks are written.
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

// Verifies each block once, when it is first read. Thread-safe.
class Checksums {
public:
    // Returns an empty string if `file` matches a .bin of this size, else what is wrong with it. Does not throw.
    std::string open(MappedFile file, uint64_t bin_bytes);
    bool is_open() const { return !checked_.empty(); }

    // The first byte of the first damaged block that overlaps [begin, end); −1 if there is none.
    int64_t first_changed(const MappedFile& bin, uint64_t begin, uint64_t end) const;

private:
    MappedFile file_;
    uint64_t block_bytes_ = 0, blocks_ = 0;
    mutable std::vector<std::atomic<uint64_t>> checked_;  // one bit per block
};

}  // namespace gradus
