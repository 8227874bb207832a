#include "engine/checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

constexpr uint64_t longest_header = 100'000'000;
constexpr size_t length_bytes = 8;

struct Refusal {
    std::string file;

    [[noreturn]] void operator()(const std::string& cause) const {
        throw Error("'" + file + "' is not a complete safetensors file", cause,
                    "copy or download the file again, or use another copy of it");
    }
};

uint64_t little_endian(const std::byte* bytes) {
    uint64_t n = 0;
    for (size_t i = length_bytes; i-- > 0;) n = n << 8 | uint64_t(bytes[i]);
    return n;
}

// Bytes of a tensor; empty on overflow.
std::optional<uint64_t> bytes_of(const std::vector<int64_t>& shape, size_t element) {
    int64_t total = int64_t(element);
    for (int64_t n : shape)
        if (__builtin_mul_overflow(total, n, &total)) return {};
    return uint64_t(total);
}

std::vector<int64_t> counts(const nlohmann::json& list, const std::string& of, const Refusal& refuse) {
    if (!list.is_array()) refuse(of + " is not a list");
    std::vector<int64_t> all;
    for (const auto& n : list) {
        if (!n.is_number_unsigned() || n.get<uint64_t>() > uint64_t(INT64_MAX))
            refuse(of + " has an element that is not a count: " + shown(n.dump()));
        all.push_back(n.get<int64_t>());
    }
    return all;
}

}  // namespace

std::optional<size_t> stored_size(const std::string& dtype) {
    struct Known {
        const char* name;
        size_t bytes;
    };
    static constexpr std::array<Known, 19> all = {{{"F32", 4},
                                                   {"BF16", 2},
                                                   {"F16", 2},
                                                   {"F64", 8},
                                                   {"I64", 8},
                                                   {"I32", 4},
                                                   {"I16", 2},
                                                   {"I8", 1},
                                                   {"U64", 8},
                                                   {"U32", 4},
                                                   {"U16", 2},
                                                   {"U8", 1},
                                                   {"BOOL", 1},
                                                   {"C64", 8},
                                                   {"F8_E4M3", 1},
                                                   {"F8_E5M2", 1},
                                                   {"F8_E8M0", 1},
                                                   {"F8_E4M3FNUZ", 1},
                                                   {"F8_E5M2FNUZ", 1}}};
    for (const Known& k : all)
        if (dtype == k.name) return k.bytes;
    return {};
}

std::string shape_text(const std::vector<int64_t>& shape) {
    std::string text = "[";
    for (size_t i = 0; i < shape.size(); ++i) text.append(i ? "," : "").append(std::to_string(shape[i]));
    return text + "]";
}

SafetensorsFile::SafetensorsFile(const fs::path& path) : file_(path) {
    const Refusal refuse{path.string()};
    if (file_.size() < length_bytes)
        refuse("it has " + std::to_string(file_.size()) + " bytes, too few for this format");
    const uint64_t header = little_endian(file_.data());
    if (header > longest_header)
        refuse("its header would be " + std::to_string(header) + " bytes long; the limit is " +
               std::to_string(longest_header));
    if (header > file_.size() - length_bytes)
        refuse("its header is " + std::to_string(header) + " bytes long, but only " +
               std::to_string(file_.size() - length_bytes) + " bytes follow");

    const std::string_view text = file_.text().substr(length_bytes, header);
    const nlohmann::json listed =
        parse_json(text, path.string(), "copy or download the file again, or use another copy of it");
    if (!listed.is_object()) refuse("its header is not a JSON object");

    const std::byte* data = file_.data() + length_bytes + header;
    const uint64_t available = file_.size() - length_bytes - header;
    for (const auto& [name, about] : listed.items()) {
        if (name == "__metadata__") continue;
        const std::string tensor = "tensor " + shown(name);
        if (!about.is_object()) refuse(tensor + " is not described by an object");
        for (const char* key : {"dtype", "shape", "data_offsets"})
            if (!about.contains(key)) refuse(tensor + " has no \"" + key + "\"");
        if (!about["dtype"].is_string()) refuse("the dtype of " + tensor + " is not a string");

        const std::string dtype = about["dtype"];
        const auto element = stored_size(dtype);
        if (!element) refuse(tensor + " has the unknown dtype " + shown(dtype));
        std::vector<int64_t> shape = counts(about["shape"], "the shape of " + tensor, refuse);
        const auto offsets = counts(about["data_offsets"], "data_offsets of " + tensor, refuse);
        if (offsets.size() != 2 || offsets[0] > offsets[1])
            refuse("data_offsets of " + tensor + " are not [begin, end]");
        const uint64_t begin = uint64_t(offsets[0]), end = uint64_t(offsets[1]);
        if (end > available)
            refuse("it is cut short: " + tensor + " ends at byte " + std::to_string(end) +
                   " of the data, and the file has " + std::to_string(available));
        const auto bytes = bytes_of(shape, *element);
        if (!bytes || *bytes != end - begin)
            refuse(tensor + ", " + dtype + " " + shape_text(shape) + ", does not take the " +
                   std::to_string(end - begin) + " bytes that its data_offsets give it");
        entries_.push_back({name, dtype, std::move(shape), data + begin, size_t(*bytes)});
    }

    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return a.data != b.data ? a.data < b.data : a.bytes < b.bytes; });
    const std::byte* next = data;
    for (size_t i = 0; i < entries_.size(); ++i) {
        const Entry& e = entries_[i];
        if (e.data < next) refuse("tensors " + shown(entries_[i - 1].name) + " and " + shown(e.name) + " overlap");
        if (e.data > next) refuse("bytes before tensor " + shown(e.name) + " belong to no tensor");
        next = e.data + e.bytes;
        by_name_.emplace(e.name, i);
    }
    if (next != data + available) refuse("bytes at its end belong to no tensor");
}

const SafetensorsFile::Entry* SafetensorsFile::find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &entries_[found->second];
}

SafetensorsWriter::SafetensorsWriter(const fs::path& folder, const std::string& name,
                                     const std::vector<Declared>& tensors)
    : file_(folder, name) {
    // transformers refuses files without the key "format".
    nlohmann::ordered_json header = {{"__metadata__", {{"format", "pt"}}}};
    for (const Declared& t : tensors) {
        const auto element = stored_size(t.dtype);
        CHECK(element && !header.contains(t.name), t.name);
        const auto bytes = bytes_of(t.shape, *element);
        CHECK(bytes, "the size of " + t.name + " overflows");
        header[t.name] = {{"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {expected_, expected_ + *bytes}}};
        expected_ += *bytes;
    }
    std::string text = header.dump();
    text.append((length_bytes - text.size() % length_bytes) % length_bytes, ' ');  // the data begins aligned
    CHECK(text.size() <= longest_header, "the header is too long for readers");
    std::array<char, length_bytes> length;
    for (size_t i = 0; i < length_bytes; ++i) length[i] = char(uint64_t(text.size()) >> (8 * i) & 0xff);
    file_.write(length.data(), length.size());
    file_.write(text);
}

void SafetensorsWriter::write(const void* data, size_t bytes) {
    written_ += bytes;
    CHECK(written_ <= expected_, "more bytes than the declared tensors have");
    file_.write(data, bytes);
}

StoredFile SafetensorsWriter::commit() {
    CHECK(written_ == expected_, "fewer bytes than the declared tensors have");
    return file_.commit();
}

}  // namespace gradus
