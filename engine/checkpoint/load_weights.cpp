#include <algorithm>
#include <set>

#include "engine/checkpoint/elements.h"
#include "engine/checkpoint/stored_names.h"
#include "engine/checkpoint/stored_tensors.h"
#include "engine/checkpoint/transfer.h"
#include "engine/checkpoint/weights.h"
#include "engine/heads/scalar.h"
#include "kernels/elementwise.h"

namespace gradus {

namespace {

using Entry = SafetensorsFile::Entry;

struct Copy {  // of a stored tensor to its rows of a weight
    const Weight* weight;
    Tensor to;  // of that weight's shape
    ExternalTensor part;
    const Entry* from;
    Element element;
};

// The rows and columns of the stored tensor that this rank has.
void copy_slices(const Runtime& run, const Copy& c) {
    const Weight& w = *c.weight;
    const bool vector = w.whole.shape.rank == 1;  // a column in memory, a row in the file
    const int64_t columns = vector ? 1 : w.whole.shape.dim[1];
    const int64_t first = vector ? 0 : c.part.first_row, rows = vector ? w.whole.shape.dim[0] : c.part.rows;
    const Strided<const std::byte> all = {c.from->data, c.element, c.part.transposed ? 1 : columns,
                                          c.part.transposed ? rows : 1};
    for (const WeightSlice& p : w.slices) {
        const int64_t from = std::max(p.logical_row, first), to = std::min(p.logical_row + p.rows, first + rows);
        if (from >= to) continue;
        Strided<const std::byte> here = all;
        here.data += size_t((from - first) * all.row + p.logical_column * all.column) * size_of(c.element);
        copy_in(run.ops, run.stream, as_matrix(c.to).slice(p.row + from - p.logical_row, to - from), here);
    }
}

}  // namespace

std::vector<std::string> load_weights(Parameters& parameters, const ModelConfig& model, const fs::path& folder) {
    return load_weights(parameters, model, folder, [&](size_t i) { return parameters.weights()[i].value; });
}

std::vector<std::string> load_weights(const Parameters& parameters, const ModelConfig& model, const fs::path& folder,
                                      const std::function<Tensor(size_t)>& destination) {
    const StoredTensors stored(folder);

    std::vector<Copy> copies;
    std::vector<std::pair<const Weight*, Tensor>> kept;  // a scalar head that the folder lacks, and its destination
    std::set<std::string> used;
    for (size_t i = 0; i < parameters.weights().size(); ++i) {
        const Weight& w = parameters.weights()[i];
        const StoredNames names = stored_names(model, w.name, w.whole);
        for (const ExternalTensor& part : names.tensors) {
            const bool head = w.name == "head";
            const StoredTensors::Found* found = stored.find(part.name, names.prefix);
            if (!found && w.name == "wte" && model.tied) found = stored.find(head_tensor);
            if (!found && w.name == scalar_head_tensor) {
                kept.push_back({&w, destination(i)});
                continue;
            }
            if (!found)
                throw Error("'" + folder.string() + "' has no tensor '" + names.prefix + part.name + "'",
                            "its config.json describes a model that needs it, and none of its safetensors files has it",
                            head ? "if the head is the embedding, set \"tie_word_embeddings\": true in config.json"
                                 : "copy or download the folder again");
            const Entry& e = *found->entry;
            const int64_t columns = w.whole.shape.dim[size_t(w.whole.shape.rank - 1)];
            std::vector<int64_t> shape = {part.rows, columns};
            if (w.spec.shape.rank == 1) shape = {columns};
            else if (part.transposed) std::swap(shape[0], shape[1]);
            if (e.shape != shape)
                throw Error(
                    "the weights do not match the model: " + found->place(),
                    "its shape is " + shape_text(e.shape) + ", and by config.json it must be " + shape_text(shape),
                    "use the config.json and the safetensors files of the same model");
            const auto element = element_of(e.dtype);
            if (!element)
                throw Error("the weights cannot be read: " + found->place(),
                            "it is stored as " + e.dtype + ", not as F32, BF16, F16 or F64",
                            "use a copy of the model that is not quantised");
            copies.push_back({&w, destination(i), part, &e, *element});
            used.insert(e.name);
            if (!names.prefix.empty()) used.insert({part.name, names.prefix + part.name});  // find() has compared them
            if (const auto* copy = stored.find(head_tensor);
                copy && w.name == "wte" && model.tied && same_content(*copy->entry, e))
                used.insert(head_tensor);
        }
    }

    const Runtime& run = parameters.runtime;
    for (const Copy& c : copies) copy_slices(run, c);
    for (const auto& [weight, to] : kept)
        if (to.data != weight->value.data) run.ops.cast({.y = to, .x = weight->value}, run.stream);

    std::vector<std::string> ignored;
    for (const auto& [name, found] : stored.all())
        if (!used.count(name) && !is_redundant(*found.entry, model)) ignored.push_back(name);
    return ignored;
}

}  // namespace gradus
