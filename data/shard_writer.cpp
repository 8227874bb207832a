// Writing a shard (shards.h): ids are streamed into NAME.bin; lengths are kept in memory, and the index is built at the
// end.
#include <xxhash.h>

#include <cstdio>
#include <limits>
#include <memory>

#include "data/json_line.h"
#include "data/shard_format.h"
#include "data/shards.h"
#include "engine/base/error.h"

namespace gradus {

namespace format = shard_format;

namespace {

std::string in_hex(uint64_t hash) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
    return digits;
}

// Writes the index under its temporary name and computes its XXH64.
class IndexWriter {
public:
    IndexWriter(const std::filesystem::path& path, bool narrow, const std::vector<int32_t>& lengths)
        : file_(path), state_(XXH64_createState()) {
        CHECK(state_);
        XXH64_reset(state_.get(), 0);
        write(format::magic, format::magic_bytes);
        put(format::version);
        put(narrow ? format::type_uint16 : format::type_int32);
        put(uint64_t(lengths.size()));
        put(uint64_t(lengths.size() + 1));
        write(lengths.data(), lengths.size() * sizeof(int32_t));
        int64_t place = 0;
        for (const int32_t length : lengths) {
            put(place);
            place += int64_t(length) * (narrow ? 2 : 4);
        }
        for (size_t d = 0; d <= lengths.size(); ++d) put(int64_t(d));
    }
    std::string xxh64() const { return in_hex(XXH64_digest(state_.get())); }
    void commit() { file_.commit(); }

private:
    struct Free {
        void operator()(XXH64_state_t* state) const { XXH64_freeState(state); }
    };

    void write(const void* data, size_t bytes) {
        XXH64_update(state_.get(), data, bytes);
        file_.write(data, bytes);
    }
    template <class T>
    void put(T value) {
        write(&value, sizeof value);
    }

    AtomicFile file_;
    std::unique_ptr<XXH64_state_t, Free> state_;
};

std::string json_of(const ShardMeta& meta, bool narrow) {
    std::string json = "{\n";
    auto row = [&](const char* key, const std::string& value, bool last = false) {
        json += std::string("  \"") + key + "\": " + value + (last ? "\n" : ",\n");
    };
    auto quoted = [](const std::string& text) {
        std::string out;
        append_json_string(out, text);
        return out;
    };
    std::string sources;
    for (const std::string& source : meta.sources) sources += (sources.empty() ? "" : ", ") + quoted(source);
    row("format", quoted(format::name));
    row("tokenizer", quoted(meta.tokenizer));
    row("tokenizer_xxh64", quoted(meta.tokenizer_xxh64));
    row("vocab_size", std::to_string(meta.vocab_size));
    row("end_of_text", meta.end_of_text ? std::to_string(*meta.end_of_text) : "null");
    row("dtype", quoted(narrow ? "uint16" : "int32"));
    row("documents", std::to_string(meta.documents));
    row("tokens", std::to_string(meta.tokens));
    row("bytes", std::to_string(meta.bytes));
    row("sources", "[" + sources + "]");
    row("checksums_xxh64", quoted(meta.checksums_xxh64));
    row("idx_xxh64", quoted(meta.idx_xxh64));
    row("created_by", quoted("gradus data prepare"), true);
    return json + "}\n";
}

}  // namespace

ShardWriter::ShardWriter(const std::filesystem::path& prefix, ShardMeta meta)
    : prefix_(prefix), meta_(std::move(meta)), bin_(format::with_suffix(prefix, ".bin")) {
    CHECK(meta_.vocab_size > 0);
    meta_.documents = meta_.tokens = meta_.bytes = 0;
}

void ShardWriter::add(const std::vector<int32_t>& ids, int64_t text_bytes) {
    const size_t length = ids.size() + (meta_.end_of_text ? 1 : 0);
    CHECK(length <= size_t(std::numeric_limits<int32_t>::max()), "a document has too many tokens for the index");
    for (const int32_t id : ids)
        CHECK(id >= 0 && id < meta_.vocab_size, "the tokenizer made an id outside its vocabulary");
    if (meta_.vocab_size <= format::largest_narrow_vocab) {
        narrow_.assign(ids.begin(), ids.end());
        if (meta_.end_of_text) narrow_.push_back(uint16_t(*meta_.end_of_text));
        bin_.write(narrow_.data(), length * 2);
        checksums_.add(narrow_.data(), length * 2);
    } else {
        wide_ = ids;
        if (meta_.end_of_text) wide_.push_back(*meta_.end_of_text);
        bin_.write(wide_.data(), length * 4);
        checksums_.add(wide_.data(), length * 4);
    }
    lengths_.push_back(int32_t(length));
    ++meta_.documents;
    meta_.tokens += int64_t(length);
    meta_.bytes += text_bytes;
}

ShardMeta ShardWriter::commit() {
    const bool narrow = meta_.vocab_size <= format::largest_narrow_vocab;
    remove_shard(prefix_);  // a kill between the files must not leave an old index next to new ids
    bin_.commit();
    const std::string checksums = checksums_.finish();
    meta_.checksums_xxh64 = in_hex(XXH64(checksums.data(), checksums.size(), 0));
    write_file_atomically(format::with_suffix(prefix_, ".checksums"), checksums);
    IndexWriter index(format::with_suffix(prefix_, ".idx"), narrow, lengths_);
    meta_.idx_xxh64 = index.xxh64();
    write_file_atomically(format::with_suffix(prefix_, ".meta.json"), json_of(meta_, narrow));
    index.commit();
    return meta_;
}

std::string file_xxh64(const std::filesystem::path& path) {
    const MappedFile file(path);
    return in_hex(XXH64(file.data(), file.size(), 0));
}

bool has_shard(const std::filesystem::path& prefix) {
    std::error_code failure;
    return std::filesystem::exists(format::with_suffix(prefix, ".idx"), failure);
}

void remove_shard(const std::filesystem::path& prefix) {
    std::error_code ignored;  // if this fails, the write that follows fails as well and gives the reason
    for (const char* suffix : {".idx", ".meta.json", ".checksums", ".bin"})
        std::filesystem::remove(format::with_suffix(prefix, suffix), ignored);
}

}  // namespace gradus
