#include <algorithm>
#include <map>
#include <set>

#include "engine/checkpoint/elements.h"
#include "engine/checkpoint/json_text.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/transfer.h"
#include "engine/checkpoint/weights.h"
#include "engine/models/family.h"

namespace gradus {

namespace {

using Entry = SafetensorsFile::Entry;

// The tensors of a folder, whether they are in one file or in shards.
class StoredTensors {
public:
    struct Found {
        const Entry* entry;
        const SafetensorsFile* file;
    };

    explicit StoredTensors(const fs::path& folder) {
        const fs::path single = folder / "model.safetensors", index = folder / "model.safetensors.index.json";
        std::error_code ignored;
        if (fs::exists(single, ignored)) files_.emplace_back(single);
        else if (fs::exists(index, ignored)) open_shards(folder, index);
        else
            throw Error("no weights in '" + folder.string() + "'",
                        "it has neither model.safetensors nor model.safetensors.index.json",
                        "point at a folder that has one; a pytorch_model.bin can be converted with transformers' "
                        "save_pretrained(safe_serialization=True)");
        for (const SafetensorsFile& file : files_)
            for (const Entry& e : file.entries())
                if (!found_.emplace(e.name, Found{&e, &file}).second)
                    throw Error("'" + folder.string() + "' is not a whole model",
                                "two of its files have a tensor " + shown(e.name), "copy or download the folder again");
        for (const auto& [name, shard] : promised_) {
            const auto at = found_.find(name);
            if (at == found_.end() || at->second.file->path().filename() != shard)
                throw Error("'" + index.string() + "' does not agree with the files beside it",
                            "it promises tensor " + shown(name) + " in '" + shard + "', which does not have it",
                            "copy or download the folder again");
        }
    }

    const Found* find(const std::string& name) const {
        const auto at = found_.find(name);
        return at == found_.end() ? nullptr : &at->second;
    }
    const std::map<std::string, Found>& all() const { return found_; }

private:
    void open_shards(const fs::path& folder, const fs::path& index) {
        const std::string fix = "copy or download the folder again";
        auto refuse = [&](const std::string& cause) {
            throw Error("'" + index.string() + "' is not an index of shards", cause, fix);
        };
        const nlohmann::json listed = parse_json(read_file(index), index.string(), fix);
        if (!listed.is_object() || !listed.contains("weight_map") || !listed["weight_map"].is_object())
            refuse("it has no object \"weight_map\"");
        std::set<std::string> shards;
        for (const auto& [name, file] : listed["weight_map"].items()) {
            if (!file.is_string()) refuse("the file of tensor " + shown(name) + " is not a string");
            const std::string shard = file;
            if (shard.empty() || shard[0] == '.' || shard.find('/') != std::string::npos ||
                shard.find('\0') != std::string::npos)
                refuse("tensor " + shown(name) + " is said to be in " + shown(shard) +
                       ", which is not the name of a file beside it");
            promised_.emplace(name, shard);
            shards.insert(shard);
        }
        for (const std::string& shard : shards) files_.emplace_back(folder / shard);
    }

    std::deque<SafetensorsFile> files_;  // a deque: entries are pointed at
    std::map<std::string, Found> found_;
    std::map<std::string, std::string> promised_;
};

bool known_to_be_superfluous(const std::string& name, const ModelConfig& m) {
    auto ends_with = [&](std::string_view end) {
        return name.size() >= end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
    };
    if (m.family == Family::gpt2 && (ends_with(".attn.bias") || ends_with(".attn.masked_bias"))) return true;
    if (ends_with(".rotary_emb.inv_freq")) return true;
    return m.tied && name == "lm_head.weight";
}

struct Copy {  // one stored tensor into its rows of one weight
    const Weight* weight;
    Tensor to;  // of that weight's shape
    ExternalTensor part;
    const Entry* from;
    Element element;
};

// Those rows and columns of the stored tensor that this rank has.
void copy_pieces(const Run& run, const Copy& c) {
    const Weight& w = *c.weight;
    const bool vector = w.whole.shape.rank == 1;  // a column here, a row there
    const int64_t columns = vector ? 1 : w.whole.shape.dim[1];
    const int64_t first = vector ? 0 : c.part.first_row, rows = vector ? w.whole.shape.dim[0] : c.part.rows;
    const Strided<const std::byte> all = {c.from->data, c.element, c.part.transposed ? 1 : columns,
                                          c.part.transposed ? rows : 1};
    for (const Piece& p : w.pieces) {
        const int64_t from = std::max(p.logical_row, first), to = std::min(p.logical_row + p.rows, first + rows);
        if (from >= to) continue;
        Strided<const std::byte> here = all;
        here.data += size_t((from - first) * all.row + p.logical_column * all.column) * size_of(c.element);
        copy_in(run.ops, run.stream, as_matrix(c.to).slice(p.row + from - p.logical_row, to - from), here);
    }
}

}  // namespace

std::vector<std::string> load_weights(Model& model, const fs::path& folder) {
    return load_weights(model, folder, [&](size_t i) { return model.weights()[i].value; });
}

std::vector<std::string> load_weights(Model& model, const fs::path& folder,
                                      const std::function<Tensor(size_t)>& destination) {
    const StoredTensors stored(folder);
    const FamilyFiles& family = files_of(model.config().family);

    std::vector<Copy> copies;
    std::set<std::string> used;
    for (size_t i = 0; i < model.weights().size(); ++i)
        for (const Weight& w = model.weights()[i];
             const ExternalTensor& part : family.external(model.config(), w.name, w.whole)) {
            const StoredTensors::Found* found = stored.find(part.name);
            if (!found) found = stored.find(family.optional_prefix + part.name);
            if (!found)
                throw Error("'" + folder.string() + "' has no tensor '" + part.name + "'",
                            "its config.json describes a model that needs it, and none of its safetensors files has it",
                            w.name == "head"
                                ? "if the head is the embedding, set \"tie_word_embeddings\": true in config.json"
                                : "copy or download the folder again");
            const Entry& e = *found->entry;
            const std::string path = found->file->path().string();
            const std::string where = "'" + path + "', tensor '" + e.name + "'";
            const int64_t columns = w.whole.shape.dim[size_t(w.whole.shape.rank - 1)];
            std::vector<int64_t> shape = {part.rows, columns};
            if (w.spec.shape.rank == 1) shape = {columns};
            else if (part.transposed) std::swap(shape[0], shape[1]);
            if (e.shape != shape)
                throw Error(
                    "the weights do not fit the model: " + where,
                    "its shape is " + shape_text(e.shape) + ", and by config.json it must be " + shape_text(shape),
                    "use the config.json and the safetensors files of one and the same model");
            const auto element = element_of(e.dtype);
            if (!element)
                throw Error("the weights cannot be read: " + where,
                            "it is stored as " + e.dtype + ", not as F32, BF16, F16 or F64",
                            "use a copy of the model that is not quantised");
            copies.push_back({&w, destination(i), part, &e, *element});
            used.insert(e.name);
        }

    for (const Copy& c : copies) copy_pieces(model.run, c);

    std::vector<std::string> ignored;
    for (const auto& [name, found] : stored.all())
        if (!used.count(name) && !known_to_be_superfluous(name, model.config())) ignored.push_back(name);
    return ignored;
}

}  // namespace gradus
