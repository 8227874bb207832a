#include "engine/checkpoint/optimizer_state.h"

#include <algorithm>

#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/transfer.h"
#include "engine/checkpoint/weights.h"

namespace gradus {

namespace {

std::vector<int64_t> dims_of(const Shape& s) { return {s.dim.begin(), s.dim.begin() + s.rank}; }

void check(const SafetensorsFile& file, const Parameters& parameters, const Optimizer& optimizer) {
    auto refuse = [&](const std::string& cause) {
        throw Error("the optimizer's state does not match the model: '" + file.path().string() + "'", cause,
                    "resume with the recipe that this checkpoint was made with");
    };
    const std::string dtype = stored_name(optimizer.state_dtype());
    size_t expected = 0;
    for (const auto& [prefix, state] : optimizer_states)
        for (size_t i = 0; i < parameters.weights().size(); ++i) {
            if (!optimizer.has(state, i)) continue;
            ++expected;
            const std::string name = prefix + parameters.weights()[i].name;
            const SafetensorsFile::Entry* e = file.find(name);
            const std::vector<int64_t> shape = dims_of(parameters.weights()[i].whole.shape);
            if (!e) refuse("it has no tensor '" + name + "'");
            if (e->shape != shape || e->dtype != dtype)
                refuse("tensor '" + e->name + "' is " + e->dtype + " " + shape_text(e->shape) + " instead of " + dtype +
                       " " + shape_text(shape));
        }
    if (file.entries().size() != expected) refuse("it has tensors that this model does not have");
}

// Padding: the rows in no WeightSlice.
void zero_padding(const Runtime& run, const Weight& w, const Tensor& t) {
    const Tensor here = as_matrix(t);
    std::vector<bool> named(size_t(here.rows()), false);
    for (const WeightSlice& p : w.slices) std::fill_n(named.begin() + p.row, p.rows, true);
    for (int64_t r = 0; r < here.rows(); ++r)
        if (!named[size_t(r)]) run.ops.zero(here.slice(r, 1).data, here.slice(r, 1).bytes(), run.stream);
}

}  // namespace

StoredFile save_optimizer(const fs::path& folder, const Snapshot& s) {
    std::vector<SafetensorsWriter::Declared> declared;
    for (const LogicalTensor& t : s.optimizer)
        declared.push_back({t.name, stored_name(t.value.dtype), dims_of(t.value.shape)});
    SafetensorsWriter file(folder, optimizer_name, declared);
    std::vector<std::byte> host;
    constexpr int64_t at_once = 1 << 20;  // elements
    for (const LogicalTensor& t : s.optimizer)
        for (int64_t first = 0; first < t.value.size(); first += at_once) {
            const Tensor piece = t.value.part(first, std::min(at_once, t.value.size() - first));
            host.resize(piece.bytes());
            copy_out(*s.ops, s.stream, {host.data(), element_of(piece.dtype), piece.size(), 1}, piece);
            file.write(host.data(), host.size());
        }
    return file.commit();
}

void check_optimizer(const fs::path& folder, const Parameters& parameters, const Optimizer& optimizer) {
    check(SafetensorsFile(folder / optimizer_name), parameters, optimizer);
}

void load_optimizer(const fs::path& folder, const Parameters& parameters, Optimizer& optimizer) {
    const SafetensorsFile file(folder / optimizer_name);
    check(file, parameters, optimizer);
    const Runtime& run = parameters.runtime;
    for (const auto& [prefix, state] : optimizer_states) {
        Optimizer::StateAccess tensors = optimizer.write(state);
        for (size_t i = 0; i < parameters.weights().size(); ++i) {
            const Weight& w = parameters.weights()[i];
            const Tensor t = tensors.of(i);
            if (!t) continue;
            const Tensor here = as_matrix(t);
            const int64_t columns = w.whole.shape.size() / w.whole.shape.dim[0];
            const std::byte* all = file.find(prefix + w.name)->data;
            run.ops.zero(t.data, t.bytes(), run.stream);  // padding has no state
            for (const WeightSlice& p : w.slices)
                copy_in(run.ops, run.stream, here.slice(p.row, p.rows),
                        {all + size_t(p.logical_row * columns + p.logical_column) * size_of(t.dtype),
                         element_of(t.dtype), columns, 1});
        }
        tensors.store();
    }
}

std::vector<std::string> load_weights(Parameters& parameters, const ModelConfig& model, Optimizer& optimizer,
                                      const fs::path& folder) {
    const size_t count = parameters.weights().size();
    if (count == 0 || !optimizer.has(Optimizer::State::master, 0)) return load_weights(parameters, model, folder);
    std::vector<std::string> ignored;
    {
        Optimizer::StateAccess masters = optimizer.write(Optimizer::State::master);
        ignored = load_weights(parameters, model, folder, [&](size_t i) { return masters.of(i); });
        for (size_t i = 0; i < count; ++i) zero_padding(parameters.runtime, parameters.weights()[i], masters.of(i));
        masters.store();
    }
    optimizer.weights_from_masters();
    return ignored;
}

}  // namespace gradus
