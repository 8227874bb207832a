// Writing a shard (shards.h): ids stream into NAME.bin, lengths are kept, and the index is made of them at the end.
#include <xxhash.h>

#include <cstdio>
#include <limits>

#include "data/json_line.h"
#include "data/shard_format.h"
#include "data/shards.h"
#include "engine/base/error.h"

namespace gradus {

namespace format = shard_format;

namespace {

template <class T>
void put(AtomicFile& file, T value) {
    file.write(&value, sizeof value);
}

void write_index(const std::filesystem::path& path, bool narrow, const std::vector<int32_t>& lengths) {
    AtomicFile idx(path);
    idx.write(format::magic, format::magic_bytes);
    put(idx, format::version);
    put(idx, narrow ? format::type_uint16 : format::type_int32);
    put(idx, uint64_t(lengths.size()));
    put(idx, uint64_t(lengths.size() + 1));
    idx.write(lengths.data(), lengths.size() * sizeof(int32_t));
    int64_t place = 0;
    for (const int32_t length : lengths) {
        put(idx, place);
        place += int64_t(length) * (narrow ? 2 : 4);
    }
    for (size_t d = 0; d <= lengths.size(); ++d) put(idx, int64_t(d));
    idx.commit();
}

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
    } else {
        wide_ = ids;
        if (meta_.end_of_text) wide_.push_back(*meta_.end_of_text);
        bin_.write(wide_.data(), length * 4);
    }
    lengths_.push_back(int32_t(length));
    ++meta_.documents;
    meta_.tokens += int64_t(length);
    meta_.bytes += text_bytes;
}

ShardMeta ShardWriter::commit() {
    const bool narrow = meta_.vocab_size <= format::largest_narrow_vocab;
    remove_shard(prefix_);  // a kill between the three must not leave an old index beside new ids
    bin_.commit();
    write_file_atomically(format::with_suffix(prefix_, ".meta.json"), json_of(meta_, narrow));
    write_index(format::with_suffix(prefix_, ".idx"), narrow, lengths_);
    return meta_;
}

std::string file_xxh64(const std::filesystem::path& path) {
    const MappedFile file(path);
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx",
                  static_cast<unsigned long long>(XXH64(file.data(), file.size(), 0)));
    return digits;
}

bool has_shard(const std::filesystem::path& prefix) {
    std::error_code failure;
    return std::filesystem::exists(format::with_suffix(prefix, ".idx"), failure);
}

void remove_shard(const std::filesystem::path& prefix) {
    std::error_code ignored;  // what cannot be removed makes the write that follows fail, with its reason
    for (const char* suffix : {".idx", ".meta.json", ".bin"})
        std::filesystem::remove(format::with_suffix(prefix, suffix), ignored);
}

}  // namespace gradus
