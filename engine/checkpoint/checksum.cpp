#include "engine/checkpoint/checksum.h"

#include <xxhash.h>

#include "engine/base/error.h"

namespace gradus {

uint64_t checksum_of(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string hexadecimal(uint64_t n) {
    std::string text(16, '0');
    for (size_t i = 16; i-- > 0; n >>= 4) text[i] = "0123456789abcdef"[n & 15];
    return text;
}

ChecksummedFile::ChecksummedFile(const fs::path& folder, const std::string& name)
    : file_(folder / name), written_{name, 0, 0}, sum_(XXH3_createState()) {
    CHECK(sum_ != nullptr, "no memory for a checksum");
    XXH3_64bits_reset(sum_);
}

ChecksummedFile::~ChecksummedFile() { XXH3_freeState(sum_); }

void ChecksummedFile::write(const void* data, size_t bytes) {
    file_.write(data, bytes);
    XXH3_64bits_update(sum_, data, bytes);
    written_.bytes += bytes;
}

StoredFile ChecksummedFile::commit() {
    file_.commit();
    written_.checksum = XXH3_64bits_digest(sum_);
    return written_;
}

StoredFile write_checksummed(const fs::path& folder, const std::string& name, std::string_view content) {
    ChecksummedFile file(folder, name);
    file.write(content);
    return file.commit();
}

}  // namespace gradus
