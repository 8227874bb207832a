#pragma once
// Shared by the writer and the reader of shards: file names and the constants of the index.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace gradus::shard_format {

inline constexpr char magic[] = "MMIDIDX\0";  // nine bytes with the literal's own NUL
inline constexpr size_t magic_bytes = 9;
static_assert(sizeof magic == magic_bytes);
inline constexpr uint64_t version = 1;
inline constexpr uint8_t type_int32 = 4, type_uint16 = 8;
inline constexpr size_t header_bytes = magic_bytes + 8 + 1 + 8 + 8;
inline constexpr int largest_narrow_vocab = 65536;
inline constexpr const char* name = "megatron indexed dataset 1";

inline std::filesystem::path with_suffix(const std::filesystem::path& prefix, const char* suffix) {
    return std::filesystem::path(prefix.string() + suffix);
}

}  // namespace gradus::shard_format
