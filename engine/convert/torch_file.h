#pragma once
// The zip archive that torch.save writes; NAME is arbitrary.
//
//   NAME/data.pkl     dictionaries, plain values and tensors, as a pickle (engine/convert/pickle.h)
//   NAME/data/KEY     the data of the storage that the pickle calls KEY; tensors are views of it
//   NAME/byteorder    "little"; optional
//   NAME/version      "3"
//
// Source: torch/serialization.py's format since PyTorch 1.6.
#include "engine/convert/pickle.h"
#include "engine/convert/zip_file.h"

namespace gradus {

struct TorchTensor {
    std::string dtype;                   // as safetensors names it: "F32"
    std::vector<int64_t> shape, stride;  // in elements
    const std::byte* data;               // in the mapped file
};

class TorchFile {
public:
    // Error if the file is not such an archive, or its pickle has more than dictionaries of tensors and plain values.
    explicit TorchFile(const fs::path& path);

    const fs::path& path() const { return zip_.path(); }
    size_t size() const { return zip_.size(); }
    const Pickled& root() const { return pickle_.root(); }

    // A tensor's data. Error if its storage is missing or shorter than declared, or the tensor exceeds it or has more
    // elements (an expanded view). `name` is for the error.
    TorchTensor tensor(const Pickled&, const std::string& name) const;

private:
    ZipFile zip_;
    std::string prefix_;  // "NAME/"
    Pickle pickle_;
};

// Writes such an archive: the pickle first, then each storage, all of them declared by the pickle.
class TorchWriter {
public:
    TorchWriter(const fs::path& path, const std::string& pickle);

    void begin_storage(const std::string& key, uint64_t bytes);
    void write(const void* data, size_t bytes) { zip_.write(data, bytes); }
    void commit();

private:
    ZipWriter zip_;
};

}  // namespace gradus
