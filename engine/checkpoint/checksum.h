#pragma once
// Files whose checksums are computed as they are written: XXH3, 64 bits, of all bytes, and of each block, so that
// threads and ranks can share the verification of one large file.
//
// They detect damage (a flipped bit, a truncated copy, an edit by hand), not an attack: an attacker can also rewrite
// the checksum.
//
// Source: Collet, the xxHash library.
#include <string>
#include <vector>

#include "engine/base/file.h"

struct XXH3_state_s;

namespace gradus {

inline constexpr uint64_t checksum_block = uint64_t(64) << 20;  // bytes

struct StoredFile {
    std::string name;  // relative to the folder that is being written
    uint64_t bytes = 0, checksum = 0;
    uint64_t block = 0;                 // bytes of each block but the last; 0: the file has at most one block
    std::vector<uint64_t> blocks = {};  // their checksums
};

uint64_t checksum_of(std::string_view bytes);
std::string hexadecimal(uint64_t);  // 16 digits

// An AtomicFile (engine/base/file.h) that computes the checksums. Without commit() nothing is left.
class ChecksummedFile {
public:
    ChecksummedFile(const fs::path& folder, const std::string& name, uint64_t block = checksum_block);
    ~ChecksummedFile();

    void write(const void* data, size_t bytes);
    void write(std::string_view text) { write(text.data(), text.size()); }
    StoredFile commit();

private:
    void end_block();

    AtomicFile file_;
    StoredFile written_;
    XXH3_state_s *sum_, *sum_of_block_;
    uint64_t in_block_ = 0;  // bytes
};

StoredFile write_checksummed(const fs::path& folder, const std::string& name, std::string_view content);

}  // namespace gradus
