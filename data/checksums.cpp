#include "data/checksums.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "engine/base/error.h"

namespace gradus {

namespace {

constexpr char magic[] = "GRADSUM1";
constexpr size_t magic_bytes = 8, header_bytes = magic_bytes + 3 * 8;
constexpr uint64_t block_of_writer = 64 << 10;

uint64_t number_at(const MappedFile& file, size_t offset) {
    uint64_t value;
    std::memcpy(&value, file.data() + offset, sizeof value);
    return value;
}

}  // namespace

ChecksumWriter::ChecksumWriter() : state_(XXH3_createState()) {
    CHECK(state_);
    XXH3_64bits_reset(state_);
}
ChecksumWriter::~ChecksumWriter() { XXH3_freeState(state_); }

void ChecksumWriter::add(const void* data, size_t bytes) {
    for (auto at = static_cast<const std::byte*>(data); bytes > 0;) {
        const size_t n = std::min<size_t>(bytes, block_of_writer - bytes_ % block_of_writer);
        XXH3_64bits_update(state_, at, n);
        at += n;
        bytes -= n;
        bytes_ += n;
        if (bytes_ % block_of_writer == 0) end_block();
    }
}

void ChecksumWriter::end_block() {
    sums_.push_back(XXH3_64bits_digest(state_));
    XXH3_64bits_reset(state_);
}

std::string ChecksumWriter::finish() {
    if (bytes_ % block_of_writer != 0) end_block();
    std::string content(magic, magic_bytes);
    for (const uint64_t number : {block_of_writer, bytes_, uint64_t(sums_.size())})
        content.append(reinterpret_cast<const char*>(&number), sizeof number);
    return content.append(reinterpret_cast<const char*>(sums_.data()), sums_.size() * sizeof(uint64_t));
}

std::string Checksums::open(MappedFile file, uint64_t bin_bytes) {
    if (file.size() < header_bytes || std::memcmp(file.data(), magic, magic_bytes) != 0)
        return "it does not begin with GRADSUM1, so it is not a checksum file";
    const uint64_t block = number_at(file, 8), bytes = number_at(file, 16), blocks = number_at(file, 24);
    if (bytes != bin_bytes)
        return "it belongs to a .bin of " + std::to_string(bytes) + " bytes, but this one has " +
               std::to_string(bin_bytes);
    if (block == 0 || blocks != bytes / block + (bytes % block != 0) || blocks != (file.size() - header_bytes) / 8 ||
        (file.size() - header_bytes) % 8 != 0)
        return "its size of " + std::to_string(file.size()) + " bytes does not match its header";
    file_ = std::move(file);
    block_bytes_ = block;
    blocks_ = blocks;
    checked_ = std::vector<std::atomic<uint64_t>>(blocks / 64 + 1);
    return "";
}

int64_t Checksums::first_changed(const MappedFile& bin, uint64_t begin, uint64_t end) const {
    for (uint64_t i = begin / block_bytes_; i < blocks_ && i * block_bytes_ < end; ++i) {
        std::atomic<uint64_t>& word = checked_[i / 64];
        const uint64_t bit = uint64_t(1) << i % 64;
        if (word.load(std::memory_order_relaxed) & bit) continue;
        const uint64_t from = i * block_bytes_, n = std::min<uint64_t>(block_bytes_, bin.size() - from);
        if (XXH3_64bits(bin.data() + from, n) != number_at(file_, header_bytes + i * 8)) return int64_t(from);
        word.fetch_or(bit, std::memory_order_relaxed);
    }
    return -1;
}

}  // namespace gradus
