#pragma once
// Files whose checksum is known as they are written: XXH3, 64 bits, of all bytes from first to last.
//
// It finds damage (a flipped bit, a truncated copy, an edit by hand), not malice: whoever can rewrite a file can rewrite
// its checksum.
//
// Source: Collet, the xxHash library.
#include <string>

#include "engine/base/file.h"

struct XXH3_state_s;

namespace gradus {

struct StoredFile {
    std::string name;  // relative to the folder that is being written
    uint64_t bytes = 0, checksum = 0;
};

uint64_t checksum_of(std::string_view bytes);
std::string hexadecimal(uint64_t);  // 16 digits

// An AtomicFile (engine/base/file.h) that counts and sums. Without commit() nothing is left.
class ChecksummedFile {
public:
    ChecksummedFile(const fs::path& folder, const std::string& name);
    ~ChecksummedFile();

    void write(const void* data, size_t bytes);
    void write(std::string_view text) { write(text.data(), text.size()); }
    StoredFile commit();

private:
    AtomicFile file_;
    StoredFile written_;
    XXH3_state_s* sum_;
};

StoredFile write_checksummed(const fs::path& folder, const std::string& name, std::string_view content);

}  // namespace gradus
