#include "engine/convert/torch_file.h"

#include "engine/base/one_line.h"
#include "engine/checkpoint/safetensors.h"

namespace gradus {

namespace {

constexpr std::string_view pickle_name = "data.pkl", archive = "archive/";

struct TorchRefusal {
    std::string file;

    [[noreturn]] void operator()(const std::string& cause) const {
        throw Error("'" + file + "' is not a complete PyTorch file", cause,
                    "copy the file again, or save it again with torch.save");
    }
};

std::string prefix_of(const ZipFile& zip) {
    for (const ZipFile::Member& m : zip.members()) {
        const size_t slash = m.name.find('/');
        if (slash != std::string::npos && m.name.substr(slash + 1) == pickle_name) return m.name.substr(0, slash + 1);
    }
    TorchRefusal{zip.path().string()}("it is a zip archive without a data.pkl");
}

}  // namespace

TorchFile::TorchFile(const fs::path& path)
    : zip_(path),
      prefix_(prefix_of(zip_)),
      pickle_(zip_.find(prefix_ + std::string(pickle_name))->text(), path.string()) {
    const ZipFile::Member* order = zip_.find(prefix_ + "byteorder");
    if (order && order->text() != "little")
        TorchRefusal{path.string()}("its byte order is " + shown(std::string(order->text())) +
                                    ", and only little is supported");
}

TorchTensor TorchFile::tensor(const Pickled& value, const std::string& name) const {
    const TorchRefusal refuse{path().string()};
    const std::string what = "tensor " + shown(name);
    if (!value.is(Pickled::Kind::tensor)) refuse(shown(name) + " is " + name_of(value.kind) + ", not a tensor");
    const Pickled& storage = *value.items[0];
    const ZipFile::Member* numbers = zip_.find(prefix_ + "data/" + std::string(storage.text));
    if (!numbers)
        refuse("the data of " + what + " is missing: it has no " + shown("data/" + std::string(storage.text)));

    const std::string dtype(storage.dtype);
    const int64_t held = int64_t(numbers->bytes / *stored_size(dtype));
    if (storage.integer > held)
        refuse("the storage of " + what + " should have " + std::to_string(storage.integer) + " elements, and has " +
               std::to_string(held));
    int64_t last = value.integer, count = 1;
    bool overflow = false;
    for (size_t i = 0; i < value.shape.size(); ++i) {
        int64_t reach = 0;
        overflow |= __builtin_mul_overflow(count, value.shape[i], &count);
        overflow |= __builtin_mul_overflow(std::max<int64_t>(value.shape[i] - 1, 0), value.stride[i], &reach);
        overflow |= __builtin_add_overflow(last, reach, &last);
        if (overflow) break;
    }
    const bool empty = !overflow && count == 0;
    if (overflow || count > held || value.integer > held || (!empty && last >= held))
        refuse(what + ", " + shape_text(value.shape) + ", does not fit into the " + std::to_string(held) +
               " elements of its storage");
    return {dtype, value.shape, value.stride, numbers->data + size_t(value.integer) * *stored_size(dtype)};
}

TorchWriter::TorchWriter(const fs::path& path, const std::string& pickle) : zip_(path) {
    zip_.add(std::string(archive) + std::string(pickle_name), pickle);
    zip_.add(std::string(archive) + "byteorder", "little");
}

void TorchWriter::begin_storage(const std::string& key, uint64_t bytes) {
    zip_.begin(std::string(archive) + "data/" + key, bytes);
}

void TorchWriter::commit() {
    zip_.add(std::string(archive) + "version", "3\n");
    zip_.commit();
}

}  // namespace gradus
