#include "engine/checkpoint/checksum.h"

#include <xxhash.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/progress.h"

namespace gradus {

uint64_t checksum_of(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string hexadecimal(uint64_t n) {
    std::string text(16, '0');
    for (size_t i = 16; i-- > 0; n >>= 4) text[i] = "0123456789abcdef"[n & 15];
    return text;
}

ChecksummedFile::ChecksummedFile(const fs::path& folder, const std::string& name, uint64_t block)
    : file_(folder / name),
      written_{name, 0, 0, block, {}},
      sum_(XXH3_createState()),
      sum_of_block_(XXH3_createState()) {
    CHECK(sum_ != nullptr && sum_of_block_ != nullptr, "no memory for a checksum");
    CHECK(block > 0);
    XXH3_64bits_reset(sum_);
    XXH3_64bits_reset(sum_of_block_);
}

ChecksummedFile::~ChecksummedFile() {
    XXH3_freeState(sum_);
    XXH3_freeState(sum_of_block_);
}

void ChecksummedFile::write(const void* data, size_t bytes) {
    const char* at = static_cast<const char*>(data);
    while (bytes > 0) {
        const size_t n = size_t(std::min<uint64_t>(bytes, written_.block - in_block_));
        file_.write(at, n);
        XXH3_64bits_update(sum_, at, n);
        XXH3_64bits_update(sum_of_block_, at, n);
        add_progress(n);
        written_.bytes += n;
        in_block_ += n;
        at += n;
        bytes -= n;
        if (in_block_ == written_.block) end_block();
    }
}

void ChecksummedFile::end_block() {
    written_.blocks.push_back(XXH3_64bits_digest(sum_of_block_));
    XXH3_64bits_reset(sum_of_block_);
    in_block_ = 0;
}

StoredFile ChecksummedFile::commit() {
    file_.commit();
    written_.checksum = XXH3_64bits_digest(sum_);
    if (in_block_ > 0) end_block();
    if (written_.blocks.size() <= 1) {  // same as the checksum of the file
        written_.block = 0;
        written_.blocks.clear();
    }
    return written_;
}

StoredFile write_checksummed(const fs::path& folder, const std::string& name, std::string_view content) {
    ChecksummedFile file(folder, name);
    file.write(content);
    return file.commit();
}

}  // namespace gradus
