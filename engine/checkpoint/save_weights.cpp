#include <algorithm>
#include <cstdio>

#include "engine/base/json_text.h"
#include "engine/checkpoint/elements.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/stored_names.h"
#include "engine/checkpoint/transfer.h"
#include "engine/checkpoint/weights.h"
#include "engine/heads/scalar.h"

namespace gradus {

namespace {

struct Stored {  // one tensor that will be in the files
    SafetensorsWriter::Declared declared;
    Tensor rows;
    bool transposed;
    uint64_t bytes;
};

std::vector<Stored> stored_of(const Snapshot& s, DType dtype) {
    std::vector<Stored> all;
    for (size_t i = 0; i < s.weights.size(); ++i) {
        const LogicalTensor& w = s.weights[i];
        const StoredNames names = stored_names(s.model, w.name, s.specs[i]);
        for (const ExternalTensor& part : names.tensors) {
            const Tensor rows = w.value.slice(part.first_row, part.rows);
            std::vector<int64_t> shape = {part.rows, rows.last()};
            if (w.value.shape.rank == 1) shape = {rows.last()};
            else if (part.transposed) std::swap(shape[0], shape[1]);
            const std::string name = names.prefix + part.name;
            all.push_back({{name, stored_name(dtype), std::move(shape)},
                           rows,
                           part.transposed,
                           uint64_t(rows.size()) * size_of(dtype)});
        }
    }
    return all;
}

// The tensors of each file, in order; a tensor above the limit gets its own file.
std::vector<std::vector<Stored>> shards_of(const std::vector<Stored>& tensors, uint64_t limit) {
    std::vector<std::vector<Stored>> shards;
    uint64_t filled = 0;
    for (const Stored& p : tensors) {
        if (shards.empty() || filled + p.bytes > limit) {
            shards.emplace_back();
            filled = 0;
        }
        shards.back().push_back(p);
        filled += p.bytes;
    }
    return shards;
}

StoredFile write_shard(const Snapshot& s, const fs::path& folder, const std::string& name,
                       const std::vector<Stored>& shard, DType dtype) {
    std::vector<SafetensorsWriter::Declared> declared;
    for (const Stored& p : shard) declared.push_back(p.declared);
    SafetensorsWriter file(folder, name, declared);
    std::vector<std::byte> host;
    for (const Stored& p : shard) {
        // A transposed matrix is gathered completely; any other is streamed, some rows at a time.
        const int64_t rows = p.rows.rows(), columns = p.rows.last();
        const int64_t at_once = p.transposed ? rows : std::max<int64_t>(1, (int64_t(4) << 20) / columns);
        for (int64_t first = 0; first < rows; first += at_once) {
            const int64_t count = std::min(at_once, rows - first);
            host.resize(size_t(count * columns) * size_of(dtype));
            const Strided<std::byte> to = {host.data(), element_of(dtype), p.transposed ? 1 : columns,
                                           p.transposed ? rows : 1};
            copy_out(*s.ops, s.stream, to, p.rows.slice(first, count));
            file.write(host.data(), host.size());
        }
    }
    return file.commit();
}

std::string shard_name(size_t i, size_t n) {
    char name[64];
    std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, n);
    return name;
}

// transformers treats one label as a regression. Without a padding id it reads the value of a text's last token, as
// this program does; for a batch of several texts it needs one: model.config.pad_token_id = ….
void describe_scalar_head(nlohmann::json& config, const Family& family) {
    config["architectures"] = {family.classifier};
    config["id2label"] = {{"0", "score"}};
    config["label2id"] = {{"score", 0}};
    config["pad_token_id"] = nullptr;
}

}  // namespace

std::vector<StoredFile> save_weights(const Snapshot& s, const fs::path& folder, DType dtype, uint64_t shard_limit,
                                     const std::vector<int32_t>& more_ends) {
    const ModelConfig& m = s.model;
    require_describable(m);
    const Family& family = family_named(m.family);
    nlohmann::json config = family.write_config(m, torch_name(dtype).c_str());
    if (std::any_of(s.weights.begin(), s.weights.end(), [](const auto& w) { return w.name == scalar_head_tensor; }))
        describe_scalar_head(config, family);
    make_folder(folder);
    std::error_code problem;
    for (const char* name : {"model.safetensors", "model.safetensors.index.json"})
        if (fs::exists(folder / name, problem))
            throw Error("'" + folder.string() + "' already contains a model", "it has a " + std::string(name),
                        "choose another folder, or remove that model first");

    nlohmann::json generation = nlohmann::json::object();
    if (m.end_of_text >= 0) generation["bos_token_id"] = generation["eos_token_id"] = m.end_of_text;
    std::vector<int32_t> ends = more_ends;
    if (m.end_of_text >= 0) ends.insert(ends.begin(), m.end_of_text);
    if (!more_ends.empty()) generation["eos_token_id"] = ends;
    std::vector<StoredFile> files = {write_checksummed(folder, "config.json", config.dump(2) + "\n"),
                                     write_checksummed(folder, "generation_config.json", generation.dump(2) + "\n")};

    const std::vector<std::vector<Stored>> shards = shards_of(stored_of(s, dtype), shard_limit);
    if (shards.size() == 1) {
        files.push_back(write_shard(s, folder, "model.safetensors", shards[0], dtype));
        return files;
    }
    nlohmann::json weight_map = nlohmann::json::object();
    uint64_t total = 0;
    for (size_t i = 0; i < shards.size(); ++i) {
        const std::string name = shard_name(i, shards.size());
        files.push_back(write_shard(s, folder, name, shards[i], dtype));
        for (const Stored& p : shards[i]) {
            weight_map[p.declared.name] = name;
            total += p.bytes;
        }
    }
    const nlohmann::json index = {{"metadata", {{"total_size", total}}}, {"weight_map", weight_map}};
    files.push_back(write_checksummed(folder, "model.safetensors.index.json", index.dump(2) + "\n"));
    return files;
}

}  // namespace gradus
