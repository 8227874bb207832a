#include "data/fingerprint.h"

#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>

#include "data/shard_format.h"
#include "data/shards.h"
#include "engine/base/progress.h"
#include "tokenizer/threads.h"

namespace gradus {

namespace {

uint64_t hash_of(std::string_view bytes, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::string_view bytes_of(const std::vector<uint64_t>& numbers) {
    return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(uint64_t)};
}

// A hash over the hashes of a file's blocks.
uint64_t hash_of_file(const fs::path& path) {
    constexpr size_t block = size_t(16) << 20;
    const MappedFile file(path);
    std::vector<uint64_t> hashes((file.size() + block - 1) / block);
    std::atomic<size_t> next = 0;
    const size_t threads = std::clamp<size_t>(hashes.size(), 1, std::max(1u, std::thread::hardware_concurrency()));
    run_in_threads(int(threads), [&](int) {
        for (size_t i; (i = next++) < hashes.size();) {
            const std::string_view part = file.text().substr(i * block, block);
            hashes[i] = hash_of(part, 0);
            add_progress(part.size());
        }
    });
    return hash_of(bytes_of(hashes), file.size());
}

uint64_t hash_of_shard(const fs::path& prefix, uint64_t seed) {
    const std::optional<ShardMeta> meta = read_shard_meta(prefix);
    if (meta && !meta->checksums_xxh64.empty()) return hash_of(meta->checksums_xxh64 + meta->idx_xxh64, seed);
    std::vector<uint64_t> files;
    for (const char* suffix : {".bin", ".idx"})
        files.push_back(hash_of_file(shard_format::with_suffix(prefix, suffix)));
    return hash_of(bytes_of(files), seed);
}

uint64_t former_hash_of_shard(const fs::path& prefix, uint64_t seed) {
    constexpr size_t sample = 1 << 16;
    for (const char* suffix : {".bin", ".idx"}) {
        const MappedFile file(shard_format::with_suffix(prefix, suffix));
        const std::string_view text = file.text();
        const size_t n = std::min(sample, text.size());
        seed = hash_of(text.substr(0, n), seed ^ text.size());
        seed = hash_of(text.substr(text.size() - n), seed);
    }
    return seed;
}

std::string in_hex(uint64_t hash) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
    return digits;
}

}  // namespace

Fingerprint fingerprint(const std::vector<fs::path>& prefixes, std::string_view tokenizer) {
    uint64_t now = hash_of(tokenizer, 0), former = now;
    for (const fs::path& prefix : prefixes) {
        now = hash_of_shard(prefix, now);
        former = former_hash_of_shard(prefix, former);
    }
    return {in_hex(now), in_hex(former)};
}

}  // namespace gradus
