#pragma once
// safetensors: Hugging Face's file format for named tensors.
//
//   8 bytes   n, the length of the header, little-endian
//   n bytes   JSON: {"name": {"dtype": "F32", "shape": [2,3], "data_offsets": [begin, end]}, …, "__metadata__": {…}}
//   the rest  the tensors' bytes, row-major, little-endian; offsets count from the header's end
//
// Tensors fill the rest without gaps or overlaps. The header is validated before it is used: its length (at most 100
// MB, as in other readers), unique names, known dtypes, no overflow in sizes, and offsets that agree with shape and
// dtype and cover the file exactly. A malformed file is refused with an Error that names the file and the tensor.
//
// Source: the format's description in the repository of huggingface/safetensors.
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/checkpoint/checksum.h"

namespace gradus {

// Bytes of an element of the format's dtypes: BOOL, U8, F16, BF16, F32, I64, …; empty for other names.
std::optional<size_t> stored_size(const std::string& dtype);

// "[2,3]"
std::string shape_text(const std::vector<int64_t>& shape);

class SafetensorsFile {
public:
    struct Entry {
        std::string name, dtype;
        std::vector<int64_t> shape;
        const std::byte* data;  // in the mapped file, unaligned
        size_t bytes;
    };

    // Maps the file; Error when it is not a complete, well-formed safetensors file.
    explicit SafetensorsFile(const fs::path& path);

    const fs::path& path() const { return file_.path(); }
    const std::vector<Entry>& entries() const { return entries_; }  // in file order
    const Entry* find(const std::string& name) const;               // nullptr where there is none

private:
    MappedFile file_;
    std::vector<Entry> entries_;
    std::unordered_map<std::string, size_t> by_name_;
};

// Writes a file: all tensors are declared first, then their bytes are written in the same order.
class SafetensorsWriter {
public:
    struct Declared {
        std::string name, dtype;
        std::vector<int64_t> shape;
    };

    SafetensorsWriter(const fs::path& folder, const std::string& name, const std::vector<Declared>& tensors);

    void write(const void* data, size_t bytes);
    StoredFile commit();  // the file appears; every declared byte must have been written

private:
    ChecksummedFile file_;
    uint64_t expected_ = 0, written_ = 0;
};

}  // namespace gradus
