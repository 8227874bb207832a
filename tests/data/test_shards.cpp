#include <xxhash.h>
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "data/json_line.h"
#include "data/shards.h"
#include "data/text.h"
#include "tests/data/older_shard.h"
#include "tests/data/temporary_folder.h"

using namespace gradus;

namespace {

using Ids = std::vector<int32_t>;

ShardMeta meta_of(int vocab_size, std::optional<int32_t> end_of_text) {
    ShardMeta meta;
    meta.tokenizer = "tokenizer.json";
    meta.tokenizer_xxh64 = "0123456789abcdef";
    meta.vocab_size = vocab_size;
    meta.end_of_text = end_of_text;
    meta.sources = {"a \"quoted\" name"};
    return meta;
}

void write_shard(const fs::path& prefix, const std::vector<Ids>& documents, int vocab_size,
                 std::optional<int32_t> end_of_text) {
    ShardWriter writer(prefix, meta_of(vocab_size, end_of_text));
    for (const Ids& ids : documents) writer.add(ids, int64_t(ids.size()));
    writer.commit();
}

Ids ids_of(const Shard& shard, int64_t document) {
    const Shard::Span span = shard.document(document);
    Ids ids(size_t(span.length));
    shard.copy(span.begin, span.length, ids.data());
    return ids;
}

template <class T>
std::string bytes_of(std::initializer_list<T> values) {
    std::string bytes(sizeof(T) * values.size(), '\0');
    std::memcpy(bytes.data(), values.begin(), bytes.size());
    return bytes;
}

}  // namespace

TEST_CASE("a shard returns its documents, each ending with end-of-text") {
    const TemporaryFolder folder;
    for (const int vocab_size : {300, 65536, 65537}) {
        write_shard(folder / "a", {{1, 2, 3}, {}, {299, 0}}, vocab_size, 256);
        const Shard shard(folder / "a");
        REQUIRE(shard.narrow() == (vocab_size <= 65536));
        REQUIRE(shard.documents() == 3);
        REQUIRE(shard.tokens() == 8);
        REQUIRE(ids_of(shard, 0) == Ids{1, 2, 3, 256});
        REQUIRE(ids_of(shard, 1) == Ids{256});
        REQUIRE(ids_of(shard, 2) == Ids{299, 0, 256});
        REQUIRE(shard.meta()->vocab_size == vocab_size);
        REQUIRE(shard.meta()->end_of_text == 256);
        REQUIRE(shard.meta()->bytes == 5);
        REQUIRE(shard.meta()->sources == std::vector<std::string>{"a \"quoted\" name"});
    }
}

TEST_CASE("the files are Megatron's, byte for byte") {
    const TemporaryFolder folder;
    write_shard(folder / "a", {{1, 2, 3}, {4}}, 300, std::nullopt);
    REQUIRE(read_file(folder / "a.bin") == bytes_of<uint16_t>({1, 2, 3, 4}));
    REQUIRE(read_file(folder / "a.idx") == std::string("MMIDIDX\0\0", 9) + bytes_of<uint64_t>({1}) +
                                               bytes_of<uint8_t>({8}) + bytes_of<uint64_t>({2, 3}) +
                                               bytes_of<int32_t>({3, 1}) + bytes_of<int64_t>({0, 6}) +
                                               bytes_of<int64_t>({0, 1, 2}));
    write_shard(folder / "b", {{70000}}, 100000, std::nullopt);
    REQUIRE(read_file(folder / "b.bin") == bytes_of<int32_t>({70000}));
    REQUIRE(read_file(folder / "b.idx")[17] == 4);
}

TEST_CASE("a pair of another program is read without meta, with several sequences per document") {
    const TemporaryFolder folder;
    folder.write("a.bin", bytes_of<int32_t>({5, 6, 7, 8, 9}));
    folder.write("a.idx", std::string("MMIDIDX\0\0", 9) + bytes_of<uint64_t>({1}) + bytes_of<uint8_t>({4}) +
                              bytes_of<uint64_t>({3, 3}) + bytes_of<int32_t>({2, 1, 2}) +
                              bytes_of<int64_t>({0, 8, 12}) + bytes_of<int64_t>({0, 2, 3}));
    const Shard shard(folder / "a");
    REQUIRE_FALSE(shard.meta());
    REQUIRE(shard.documents() == 2);
    REQUIRE(ids_of(shard, 0) == Ids{5, 6, 7});
    REQUIRE(ids_of(shard, 1) == Ids{8, 9});
}

TEST_CASE("an id outside the vocabulary is detected before it is returned") {
    const TemporaryFolder folder;
    for (const int vocab_size : {300, 100000}) {
        std::vector<Ids> documents(1, Ids(200'000, 7));
        documents[0][150'001] = 250;
        write_shard(folder / "a", documents, vocab_size, std::nullopt);
        const Shard shard(folder / "a");
        shard.check_ids(251);
        REQUIRE(error_of([&] { shard.check_ids(250); }).cause.find("token 150001 has the id 250") != std::string::npos);
    }
    write_shard(folder / "b", {{1, 2, 3}}, 100000, std::nullopt);
    folder.write("b.bin", bytes_of<int32_t>({1, -2, 3}));
    const Shard shard(folder / "b");
    REQUIRE_THROWS_AS(ids_of(shard, 0), Error);
    REQUIRE_THROWS_AS(shard.check_ids(100000), Error);
}

TEST_CASE("a missing file is an error with the command that creates it") {
    const TemporaryFolder folder;
    write_shard(folder / "a", {{1}}, 300, std::nullopt);
    for (const char* suffix : {".bin", ".idx"}) {
        fs::rename(folder / ("a" + std::string(suffix)), folder / "elsewhere");
        const Error error = error_of([&] { Shard shard(folder / "a"); });
        REQUIRE(std::string(error.what()).find(suffix) != std::string::npos);
        REQUIRE(error.fix.find("gradus data prepare") != std::string::npos);
        fs::rename(folder / "elsewhere", folder / ("a" + std::string(suffix)));
    }
}

TEST_CASE("a shard truncated at any byte is an error") {
    const TemporaryFolder folder;
    write_shard(folder / "a", {{1, 2, 3}, {4, 5}, {6}}, 300, 256);
    for (const char* name : {"a.bin", "a.idx"}) {
        const std::string whole = read_file(folder / name);
        for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
            folder.write(name, std::string_view(whole).substr(0, bytes));
            REQUIRE_THROWS_AS(Shard(folder / "a"), Error);
        }
        folder.write(name, whole);
    }
    Shard(folder / "a").check_ids(300);
}

TEST_CASE("for any changed byte of the index, reading is either correct or an error") {
    const TemporaryFolder folder;
    write_shard(folder / "a", {{1, 2, 3}, {4, 5}, {6}}, 300, 256);
    const std::string whole = read_file(folder / "a.idx");
    for (size_t at = 0; at < whole.size(); ++at)
        for (const int value : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
            std::string broken = whole;
            broken[at] = char(value);
            folder.write("a.idx", broken);
            try {
                const Shard shard(folder / "a");
                for (int64_t d = 0; d < shard.documents(); ++d) REQUIRE(ids_of(shard, d).size() <= 9);
            } catch (const Error& error) { REQUIRE_FALSE(error.fix.empty()); }
        }
}

TEST_CASE("counts that would overflow are an error") {
    const TemporaryFolder folder;
    folder.write("a.bin", bytes_of<uint16_t>({1, 2}));
    const uint64_t huge = uint64_t(1) << 62;
    for (const auto& [sequences, entries] : std::vector<std::pair<uint64_t, uint64_t>>{
             {huge, huge}, {huge / 3 * 4, 0}, {~uint64_t(0), 1}, {0, huge * 2}}) {
        folder.write("a.idx", std::string("MMIDIDX\0\0", 9) + bytes_of<uint64_t>({1}) + bytes_of<uint8_t>({8}) +
                                  bytes_of<uint64_t>({sequences, entries}) + bytes_of<int64_t>({0, 0}));
        REQUIRE_THROWS_AS(Shard(folder / "a"), Error);
    }
}

TEST_CASE("a damaged meta file, or one of another run, is an error") {
    const TemporaryFolder folder;
    write_shard(folder / "a", {{1, 2, 3}}, 300, 256);
    const std::string whole = read_file(folder / "a.meta.json");
    for (size_t bytes = 0; bytes + 2 < whole.size(); ++bytes) {
        folder.write("a.meta.json", std::string_view(whole).substr(0, bytes));
        REQUIRE_THROWS_AS(Shard(folder / "a"), Error);
    }
    write_shard(folder / "b", {{1, 2}}, 300, 256);
    fs::copy_file(folder / "b.meta.json", folder / "a.meta.json", fs::copy_options::overwrite_existing);
    REQUIRE(error_of([&] { Shard shard(folder / "a"); }).cause.find("two different runs") != std::string::npos);
}

TEST_CASE("a shard that is not committed leaves nothing") {
    const TemporaryFolder folder;
    {
        ShardWriter writer(folder / "a", meta_of(300, 256));
        writer.add({1, 2, 3}, 3);
    }
    REQUIRE(fs::is_empty(folder));
}

TEST_CASE("meta and the documents' file are valid UTF-8 even if a path is not") {
    const TemporaryFolder folder;
    ShardMeta meta = meta_of(300, 256);
    meta.sources = {"caf\xE9/a.txt"};
    ShardWriter writer(folder / "a", meta);
    writer.add({1}, 1);
    writer.commit();
    REQUIRE(Shard(folder / "a").meta()->sources == std::vector<std::string>{"caf\uFFFD/a.txt"});
    std::string line;
    append_json_line(line, "text", "caf\xE9/a.txt:1");
    REQUIRE(is_valid_utf8(line));
}

TEST_CASE("any changed byte of a shard is detected when its block is read, and only then") {
    const TemporaryFolder folder;
    for (const int vocab_size : {60000, 100000}) {
        std::vector<Ids> documents(3);
        for (int d = 0; d < 3; ++d)
            for (int i = 0; i < 70'000; ++i) documents[size_t(d)].push_back((i * 7 + d) % 60000);
        write_shard(folder / "a", documents, vocab_size, std::nullopt);
        const std::string whole = read_file(folder / "a.bin");
        const size_t of_document = whole.size() / 3;
        for (const size_t at : {size_t(0), whole.size() / 2, whole.size() - 1, size_t(65535), size_t(65536)}) {
            std::string changed = whole;
            changed[at] = char(changed[at] ^ 1);
            folder.write("a.bin", changed);
            const Shard shard(folder / "a");  // opening does not read the ids
            const auto changed_document = int64_t(at / of_document);
            const Error error = error_of([&] { ids_of(shard, changed_document); });
            REQUIRE(error.cause.find("checksum") != std::string::npos);
            REQUIRE(std::string(error.what()).find("a.bin") != std::string::npos);
            REQUIRE_THROWS_AS(ids_of(shard, changed_document), Error);  // also on later reads
            REQUIRE_THROWS_AS(shard.id(int64_t(at) / (shard.narrow() ? 2 : 4)), Error);
            if (changed_document != 1)
                REQUIRE(ids_of(shard, 2 - changed_document) == documents[size_t(2 - changed_document)]);
        }
        folder.write("a.bin", whole);
        const Shard shard(folder / "a");
        for (int64_t d = 0; d < 3; ++d) REQUIRE(ids_of(shard, d) == documents[size_t(d)]);
    }
}

TEST_CASE("a shard that ends at a block boundary, or a byte before or after it, is verified to its last byte") {
    const TemporaryFolder folder;
    for (const int vocab_size : {60000, 100000}) {
        const int64_t width = vocab_size == 60000 ? 2 : 4, ids_of_block = 65536 / width;
        for (const int64_t blocks : {1, 2})
            for (const int64_t more : {int64_t(-1), int64_t(0), int64_t(1)}) {
                const int64_t count = blocks * ids_of_block + more;
                INFO(width << " bytes an id, " << count << " ids");
                Ids ids;
                for (int64_t i = 0; i < count; ++i) ids.push_back(int32_t(i * 7 % 60000));
                write_shard(folder / "a", {ids}, vocab_size, std::nullopt);
                const auto expected = uint64_t(more > 0 ? blocks + 1 : blocks);
                REQUIRE(read_file(folder / "a.checksums").size() == 32 + 8 * expected);
                REQUIRE(ids_of(Shard(folder / "a"), 0) == ids);
                REQUIRE(Shard(folder / "a").id(count - 1) == ids.back());

                const std::string whole = read_file(folder / "a.bin");
                REQUIRE(whole.size() == size_t(count * width));
                for (const size_t at : {whole.size() - 1, std::min(whole.size() - 1, size_t(65535)), size_t(0)}) {
                    std::string changed = whole;
                    changed[at] = char(changed[at] ^ 1);
                    folder.write("a.bin", changed);
                    const Shard shard(folder / "a");
                    REQUIRE_THROWS_AS(shard.id(int64_t(at) / width), Error);
                    REQUIRE_THROWS_AS(ids_of(shard, 0), Error);
                    const int64_t other = int64_t(at) < 65536 ? count - 1 : 0;  // in another block, if there is one
                    if (int64_t(at) / 65536 != other * width / 65536) REQUIRE(shard.id(other) == ids[size_t(other)]);
                }
                for (const size_t bytes : {whole.size() - 1, whole.size() - size_t(width)}) {  // cut
                    folder.write("a.bin", std::string_view(whole).substr(0, bytes));
                    REQUIRE_THROWS_AS(Shard(folder / "a"), Error);
                }
            }
    }
}

TEST_CASE("a changed byte of the index or of the checksums is an error when the shard is opened") {
    const TemporaryFolder folder;
    write_shard(folder / "a", {{1, 2, 3}, {4, 5}, {6}}, 300, 256);
    for (const char* name : {"a.idx", "a.checksums"}) {
        const std::string whole = read_file(folder / name);
        for (size_t at = 0; at < whole.size(); ++at) {
            std::string changed = whole;
            changed[at] = char(changed[at] ^ 1);
            folder.write(name, changed);
            REQUIRE_THROWS_AS(Shard(folder / "a"), Error);
        }
        folder.write(name, whole);
    }
    fs::remove(folder / "a.checksums");
    REQUIRE(error_of([&] { Shard(folder / "a"); }).fix.find("gradus data prepare") != std::string::npos);
}

TEST_CASE("a shard of an older version, whose meta names no checksums, is read without them") {
    const TemporaryFolder folder;
    write_shard(folder / "a", {{1, 2, 3}}, 300, 256);
    make_older(folder);
    REQUIRE(ids_of(Shard(folder / "a"), 0) == Ids{1, 2, 3, 256});
}

TEST_CASE("the checksums are those of xxHash over blocks of 64 KiB") {
    const TemporaryFolder folder;
    write_shard(folder / "a", {Ids(40'000, 7), Ids(1, 8)}, 300, std::nullopt);  // 80,002 bytes
    const std::string bin = read_file(folder / "a.bin");
    REQUIRE(read_file(folder / "a.checksums") ==
            "GRADSUM1" + bytes_of<uint64_t>({65536, 80'002, 2, XXH3_64bits(bin.data(), 65536),
                                             XXH3_64bits(bin.data() + 65536, 80'002 - 65536)}));
    write_shard(folder / "b", {}, 300, std::nullopt);
    REQUIRE(Shard(folder / "b").tokens() == 0);
}
