// Reading a shard (shards.h). Every value of the index is checked against the files' sizes before it is used.
#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "data/shard_format.h"
#include "data/shards.h"
#include "engine/base/error.h"

namespace gradus {

namespace format = shard_format;

namespace {

std::string fix_to_remake(const std::filesystem::path& prefix) {
    const std::filesystem::path folder = prefix.parent_path().empty() ? "." : prefix.parent_path();
    return "make it again: gradus data prepare " + folder.string() + " --out " + folder.string() + " --tokenizer " +
           (folder / "tokenizer.json").string();
}

Error damaged(const MappedFile& file, const std::filesystem::path& prefix, const std::string& cause) {
    return Error("'" + file.path().string() + "' cannot be used", cause, fix_to_remake(prefix));
}

MappedFile open_part(const std::filesystem::path& prefix, const char* suffix) {
    const std::filesystem::path path = format::with_suffix(prefix, suffix);
    std::error_code failure;
    if (!std::filesystem::exists(path, failure))
        throw Error("there is no '" + path.string() + "'",
                    "token data is a .bin and an .idx of the same name, and the .checksums that its .meta.json names",
                    fix_to_remake(prefix));
    return MappedFile(path);
}

template <class T>
T load(const MappedFile& file, size_t offset) {
    T value;
    std::memcpy(&value, file.data() + offset, sizeof value);
    return value;
}

std::string n(int64_t value) { return std::to_string(value); }

template <class T>
int64_t first_outside(const std::byte* data, int64_t count, int64_t vocab_size) {
    // Block by block: the inner loop is a plain maximum, which vectorises; negative ids are large as unsigned.
    constexpr int64_t block = 1 << 16;
    for (int64_t from = 0; from < count; from += block) {
        const int64_t to = std::min(count, from + block);
        std::make_unsigned_t<T> most = 0;
        for (int64_t i = from; i < to; ++i) {
            std::make_unsigned_t<T> id;
            std::memcpy(&id, data + size_t(i) * sizeof(T), sizeof id);
            most = std::max(most, id);
        }
        if (int64_t(most) < vocab_size) continue;
        for (int64_t i = from; i < to; ++i) {
            std::make_unsigned_t<T> id;
            std::memcpy(&id, data + size_t(i) * sizeof(T), sizeof id);
            if (int64_t(id) >= vocab_size) return i;
        }
    }
    return -1;
}

}  // namespace

Shard::Shard(const std::filesystem::path& prefix)
    : prefix_(prefix), bin_(open_part(prefix, ".bin")), idx_(open_part(prefix, ".idx")) {
    read_index();
    read_meta();
}

void Shard::read_index() {
    auto refuse = [&](const std::string& cause) { throw damaged(idx_, prefix_, cause); };
    if (idx_.size() < format::header_bytes)
        refuse("it has " + std::to_string(idx_.size()) + " bytes, fewer than its header");
    if (std::memcmp(idx_.data(), format::magic, format::magic_bytes) != 0)
        refuse("it does not begin with MMIDIDX, so it is not an index of token data");
    const uint64_t version = load<uint64_t>(idx_, 9);
    if (version != format::version)
        refuse("its version is " + std::to_string(version) + ", but this program reads version 1");
    const int type = load<uint8_t>(idx_, 17);
    if (type != format::type_uint16 && type != format::type_int32)
        refuse("its ids have type " + std::to_string(type) + ", but this program reads 8 (uint16) and 4 (int32)");
    width_ = type == format::type_uint16 ? 2 : 4;

    const uint64_t sequences = load<uint64_t>(idx_, 18), entries = load<uint64_t>(idx_, 26);
    const uint64_t room = idx_.size() - format::header_bytes;
    // Each count is compared with the file's size before it is multiplied.
    if (sequences > room / 12 || entries > room / 8 || sequences * 12 + entries * 8 != room)
        refuse("its header says " + std::to_string(sequences) + " sequences and " + std::to_string(entries) +
               " document entries, which do not match its " + std::to_string(idx_.size()) + " bytes");
    if (entries == 0) refuse("it has no document entries");
    sequences_ = int64_t(sequences);
    documents_ = int64_t(entries) - 1;

    const int64_t bin_ids = int64_t(bin_.size()) / width_;
    for (int64_t s = 0; s < sequences_; ++s) {
        const int64_t length = length_of(s), offset = offset_of(s);
        if (length < 0 || offset < 0 || offset % width_ != 0 || offset / width_ > bin_ids - length)
            refuse("sequence " + n(s) + " has length " + n(length) + " and offset " + n(offset) +
                   ", which is outside '" + bin_.path().string() + "' with its " + std::to_string(bin_.size()) +
                   " bytes");
    }
    if (first_sequence_of(0) != 0 || first_sequence_of(documents_) != sequences_)
        refuse("its documents do not cover its " + n(sequences_) + " sequences");
    for (int64_t d = 0; d < documents_; ++d) {
        const int64_t first = first_sequence_of(d), next = first_sequence_of(d + 1);
        if (first > next || next > sequences_) refuse("document " + n(d) + " ends before it begins");
        for (int64_t s = first; s < next; ++s) {
            if (s > first && offset_of(s) != offset_of(s - 1) + length_of(s - 1) * width_)
                refuse("the sequences of document " + n(d) + " are not contiguous");
            tokens_ += length_of(s);
        }
    }
}

std::optional<ShardMeta> read_shard_meta(const std::filesystem::path& prefix) {
    const std::filesystem::path path = format::with_suffix(prefix, ".meta.json");
    std::error_code failure;
    if (!std::filesystem::exists(path, failure)) return std::nullopt;
    const MappedFile file(path);
    auto refuse = [&](const std::string& cause) { throw damaged(file, prefix, cause); };
    const auto json = nlohmann::json::parse(file.text(), nullptr, false);
    if (!json.is_object()) refuse("it is not a JSON object");
    auto number = [&](const char* key, int64_t most) {
        if (!json.contains(key) || !json[key].is_number_integer())
            refuse(std::string("\"") + key + "\" is not a whole number");
        const int64_t value = json[key].get<int64_t>();
        if (value < 0 || value > most) refuse(std::string("\"") + key + "\" is " + n(value) + ", out of range");
        return value;
    };
    auto string = [&](const char* key) {
        return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
    };
    constexpr int64_t no_limit = std::numeric_limits<int64_t>::max();
    ShardMeta meta;
    meta.tokenizer = string("tokenizer");
    meta.tokenizer_xxh64 = string("tokenizer_xxh64");
    meta.vocab_size = int(number("vocab_size", std::numeric_limits<int32_t>::max()));
    if (json.contains("end_of_text") && !json["end_of_text"].is_null())
        meta.end_of_text = int32_t(number("end_of_text", int64_t(meta.vocab_size) - 1));
    meta.documents = number("documents", no_limit);
    meta.tokens = number("tokens", no_limit);
    meta.bytes = number("bytes", no_limit);
    if (json.contains("sources") && json["sources"].is_array())
        for (const auto& source : json["sources"])
            if (source.is_string()) meta.sources.push_back(source.get<std::string>());
    meta.checksums_xxh64 = string("checksums_xxh64");
    meta.idx_xxh64 = string("idx_xxh64");
    return meta;
}

void Shard::read_meta() {
    meta_ = read_shard_meta(prefix_);
    if (!meta_) return;
    if (meta_->documents != documents_ || meta_->tokens != tokens_)
        throw Error("'" + format::with_suffix(prefix_, ".meta.json").string() + "' cannot be used",
                    "it has " + n(meta_->documents) + " documents and " + n(meta_->tokens) +
                        " tokens, but the .idx has " + n(documents_) + " and " + n(tokens_) +
                        ": they come from two different runs",
                    fix_to_remake(prefix_));
    auto require_hash = [&](const MappedFile& file, const std::string& written) {
        const std::string found = file_xxh64(file.path());
        if (found != written)
            throw damaged(
                file, prefix_,
                "its hash is " + found + ", but .meta.json says " + written + ": it was changed after it was written");
    };
    if (!meta_->idx_xxh64.empty()) require_hash(idx_, meta_->idx_xxh64);
    if (meta_->checksums_xxh64.empty()) return;
    MappedFile file = open_part(prefix_, ".checksums");
    require_hash(file, meta_->checksums_xxh64);
    const std::filesystem::path path = file.path();
    if (const std::string wrong = checksums_.open(std::move(file), bin_.size()); !wrong.empty())
        throw Error("'" + path.string() + "' cannot be used", wrong, fix_to_remake(prefix_));
}

template <class T>
T Shard::read(int64_t i) const {
    return load<T>(bin_, size_t(i) * sizeof(T));
}
template uint16_t Shard::read<uint16_t>(int64_t) const;
template int32_t Shard::read<int32_t>(int64_t) const;

int64_t Shard::length_of(int64_t sequence) const {
    return load<int32_t>(idx_, format::header_bytes + size_t(sequence) * 4);
}

int64_t Shard::offset_of(int64_t sequence) const {
    return load<int64_t>(idx_, format::header_bytes + size_t(sequences_) * 4 + size_t(sequence) * 8);
}

int64_t Shard::first_sequence_of(int64_t document) const {
    return load<int64_t>(idx_, format::header_bytes + size_t(sequences_) * 12 + size_t(document) * 8);
}

Shard::Span Shard::document(int64_t d) const {
    CHECK(d >= 0 && d < documents_);
    const int64_t first = first_sequence_of(d), next = first_sequence_of(d + 1);
    if (first == next) return {0, 0};
    Span span{offset_of(first) / width_, 0};
    for (int64_t s = first; s < next; ++s) span.length += length_of(s);
    return span;
}

int32_t Shard::id(int64_t i) const {
    check_unchanged(i, 1);
    return narrow() ? read<uint16_t>(i) : read<int32_t>(i);
}

void Shard::check_unchanged(int64_t begin, int64_t count) const {
    if (!checksums_.is_open() || count == 0) return;
    const int64_t at =
        checksums_.first_changed(bin_, uint64_t(begin) * uint64_t(width_), uint64_t(begin + count) * uint64_t(width_));
    if (at >= 0)
        throw damaged(bin_, prefix_,
                      "the block at byte " + n(at) + " has changed since it was written: its checksum differs");
}

void Shard::copy(int64_t begin, int64_t count, int32_t* ids) const {
    CHECK(begin >= 0 && count >= 0 && begin + count <= int64_t(bin_.size()) / width_);
    check_unchanged(begin, count);
    check_range(begin, count, meta_ ? meta_->vocab_size : std::numeric_limits<int32_t>::max());
    if (width_ == 4 && count > 0) std::memcpy(ids, bin_.data() + begin * 4, size_t(count) * 4);
    if (width_ == 2)
        for (int64_t i = 0; i < count; ++i) ids[i] = read<uint16_t>(begin + i);
}

void Shard::check_ids(int vocab_size) const { check_range(0, int64_t(bin_.size()) / width_, vocab_size); }

void Shard::check_range(int64_t begin, int64_t count, int64_t vocab_size) const {
    const std::byte* data = bin_.data() + begin * width_;
    const int64_t at =
        narrow() ? first_outside<uint16_t>(data, count, vocab_size) : first_outside<int32_t>(data, count, vocab_size);
    if (at >= 0)
        throw damaged(bin_, prefix_,
                      "token " + n(begin + at) + " has the id " +
                          n(narrow() ? read<uint16_t>(begin + at) : read<int32_t>(begin + at)) +
                          ", but the vocabulary has " + n(vocab_size) + " ids");
}

}  // namespace gradus
