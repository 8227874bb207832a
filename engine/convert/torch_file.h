#pragma once
// What torch.save writes: a zip archive, NAME being its own choice.
//
//   NAME/data.pkl     dictionaries, plain values and tensors, as a pickle (engine/convert/pickle.h)
//   NAME/data/KEY     the numbers of the storage that the pickle calls KEY; tensors are views of them
//   NAME/byteorder    "little", where it is there
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
    // Error where the file is no such archive, or its pickle is more than dictionaries of tensors and plain values.
    explicit TorchFile(const fs::path& path);

    const fs::path& path() const { return zip_.path(); }
    size_t size() const { return zip_.size(); }
    const Pickled& root() const { return pickle_.root(); }

    // A tensor's numbers. Error where its storage is missing or shorter than it says, where the tensor reaches beyond it,
    // or has more elements than it (a view that repeats some). `name` is how the error calls it.
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
