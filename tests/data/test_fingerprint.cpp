// The identity of a training set.
#include "data/fingerprint.h"

#include <xxhash.h>
#include <catch2/catch.hpp>

#include <set>

#include "data/shards.h"
#include "engine/base/progress.h"
#include "tests/data/older_shard.h"
#include "tests/data/temporary_folder.h"

using namespace gradus;

namespace {

constexpr int64_t ids = 300'000;  // uint16: more than the ends that older versions hashed

void write_shard(const fs::path& prefix, const char* tokenizer_hash = "0123456789abcdef") {
    ShardMeta meta;
    meta.tokenizer = "tokenizer.json";
    meta.tokenizer_xxh64 = tokenizer_hash;
    meta.vocab_size = 300;
    ShardWriter writer(prefix, meta);
    std::vector<int32_t> document;
    for (int64_t i = 0; i < ids; ++i) document.push_back(int32_t(i * 7 % 299));
    writer.add(document, ids);
    writer.commit();
}

// As Megatron-LM writes it: only the ids and their index.
void strip(const fs::path& prefix) {
    for (const char* suffix : {".meta.json", ".checksums"}) fs::remove(prefix.string() + suffix);
}

std::string of(const TemporaryFolder& folder) { return fingerprint({folder / "a"}, "tokenizer").text; }

}  // namespace

TEST_CASE("any changed byte of a shard without checksums changes the fingerprint") {
    for (const bool older : {false, true}) {
        const TemporaryFolder folder;
        write_shard(folder / "a");
        if (older) make_older(folder);
        else strip(folder / "a");
        const std::string whole = read_file(folder / "a.bin"), before = of(folder);
        REQUIRE(whole.size() > 4 * 65536);
        REQUIRE(of(folder) == before);
        std::set<std::string> seen = {before};
        const std::vector<size_t> places = {0, 65536, whole.size() / 2, whole.size() / 2 + 1, whole.size() - 1};
        for (const size_t at : places) {
            std::string changed = whole;
            changed[at] = char(changed[at] ^ 1);
            folder.write("a.bin", changed);
            seen.insert(of(folder));
        }
        REQUIRE(seen.size() == 1 + places.size());
        folder.write("a.bin", whole);
        REQUIRE(of(folder) == before);
        folder.write("a.bin", whole + std::string(2, '\0'));
        REQUIRE(of(folder) != before);
    }
}

TEST_CASE("a shard with checksums is identified by them, without reading the ids") {
    const TemporaryFolder folder;
    write_shard(folder / "a");
    const std::string before = of(folder);
    ShardMeta meta = *read_shard_meta(folder / "a");
    const std::string hashes = meta.checksums_xxh64 + meta.idx_xxh64;
    char expected[17];
    std::snprintf(expected, sizeof expected, "%016llx",
                  static_cast<unsigned long long>(
                      XXH3_64bits_withSeed(hashes.data(), hashes.size(), XXH3_64bits("tokenizer", 9))));
    REQUIRE(before == expected);
    const uint64_t read = progress_so_far();
    of(folder);
    REQUIRE(progress_so_far() == read);  // without reading the ids
    write_shard(folder / "b");
    REQUIRE(fingerprint({folder / "b"}, "tokenizer").text == before);
    REQUIRE(fingerprint({folder / "a", folder / "b"}, "tokenizer").text != before);
    REQUIRE(fingerprint({folder / "a"}, "another").text != before);
}

TEST_CASE("reading a shard for its fingerprint counts as progress for other ranks") {
    const TemporaryFolder folder;
    write_shard(folder / "a");
    strip(folder / "a");
    const uint64_t before = progress_so_far();
    of(folder);
    REQUIRE(progress_so_far() - before == fs::file_size(folder / "a.bin") + fs::file_size(folder / "a.idx"));
}

TEST_CASE("the former fingerprint matches older checkpoints: sizes, and both ends of each file") {
    const TemporaryFolder folder;
    write_shard(folder / "a");
    make_older(folder);
    uint64_t seed = XXH3_64bits("tokenizer", 9);
    for (const char* suffix : {".bin", ".idx"}) {
        const std::string text = read_file(folder / ("a" + std::string(suffix)));
        const size_t n = std::min<size_t>(65536, text.size());
        seed = XXH3_64bits_withSeed(text.data(), n, seed ^ text.size());
        seed = XXH3_64bits_withSeed(text.data() + (text.size() - n), n, seed);
    }
    char expected[17];
    std::snprintf(expected, sizeof expected, "%016llx", static_cast<unsigned long long>(seed));
    REQUIRE(fingerprint({folder / "a"}, "tokenizer").former == expected);
}
