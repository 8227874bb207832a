#include "engine/checkpoint/snapshot.h"

#include "engine/checkpoint/transfer.h"

namespace gradus {

namespace {

Snapshot described(const ModelConfig& model, const Parameters& parameters) {
    Snapshot s{.model = model, .dtype = parameters.runtime.dtype};
    s.ops = &parameters.runtime.ops;
    s.stream = parameters.runtime.stream;
    for (const Weight& w : parameters.weights()) s.specs.push_back(w.whole);
    return s;
}

Tensor in_new_buffer(Snapshot& s, const Shape& shape, DType dtype) {
    s.buffers.push_back(std::make_unique_for_overwrite<std::byte[]>(size_t(shape.size()) * size_of(dtype)));
    return {s.buffers.back().get(), dtype, shape};
}

void copy_slices(const Runtime& run, const Tensor& whole, const Tensor& part, const std::vector<WeightSlice>& slices) {
    const Tensor to = as_matrix(whole), from = as_matrix(part);
    for (const WeightSlice& p : slices) {
        std::byte* first =
            to.as<std::byte>() + size_t(p.logical_row * to.last() + p.logical_column) * size_of(to.dtype);
        copy_out(run.ops, run.stream, {first, element_of(to.dtype), to.last(), 1}, from.slice(p.row, p.rows));
    }
}

// Gathers a weight, or a state of it, from all ranks of tp into a new buffer on the first one. `here` is this rank's
// part.
Tensor collected(Snapshot& s, const Runtime& run, const Weight& w, const Tensor& here) {
    const Comm& tp = run.tp;
    if (tp.rank > 0) {
        tp.send(here, 0, run.stream);
        return {};
    }
    const Tensor whole = in_new_buffer(s, w.whole.shape, here.dtype);
    copy_slices(run, whole, here, w.slices);
    // The gradient's memory is free between steps and large enough; state of this rank that was there has just been
    // copied.
    const Tensor workspace = {w.grad.data, here.dtype, here.shape};
    for (int r = 1; r < tp.size; ++r) {
        tp.receive(workspace, r, run.stream);
        copy_slices(run, whole, workspace, slices_of(w.whole, w.spec, r, tp.size));
    }
    return whole;
}

}  // namespace

Snapshot Snapshot::averaged() const {
    Snapshot s{.model = model, .dtype = dtype, .specs = specs};
    s.ops = ops;
    s.stream = stream;
    constexpr std::string_view prefix = "average.";
    for (const LogicalTensor& t : optimizer)
        if (t.name.starts_with(prefix)) s.weights.push_back({t.name.substr(prefix.size()), t.value});
    CHECK(s.weights.empty() || s.weights.size() == specs.size());
    return s;
}

Snapshot Snapshot::of(const ModelConfig& model, const Parameters& parameters) {
    CHECK(parameters.runtime.tp.size == 1, "the model's tensors are distributed over several ranks");
    Snapshot s = described(model, parameters);
    for (const Weight& w : parameters.weights()) s.weights.push_back({w.name, w.value});
    return s;
}

Snapshot Snapshot::of(const ModelConfig& model, const Parameters& parameters, Optimizer& optimizer) {
    CHECK(!optimizer.sharded(), "the optimizer's state is sharded over several ranks");
    Snapshot s = of(model, parameters);
    for (const auto& [prefix, state] : optimizer_states) {
        const Optimizer::StateAccess tensors = optimizer.read(state);
        for (size_t i = 0; i < parameters.weights().size(); ++i)
            if (const Tensor t = tensors.of(i)) s.optimizer.push_back({prefix + parameters.weights()[i].name, t});
    }
    return s;
}

Snapshot Snapshot::copy(const ModelConfig& model, const Parameters& parameters, Optimizer& optimizer,
                        const Mesh& mesh) {
    Snapshot s = described(model, parameters);
    const bool first_of_dp = mesh.dp.rank == 0, mine = mesh.world.rank == 0;
    for (const Weight& w : parameters.weights()) {
        if (!first_of_dp) break;
        const Tensor t = collected(s, parameters.runtime, w, w.value);
        if (mine) s.weights.push_back({w.name, t});
    }
    for (const auto& [prefix, state] : optimizer_states) {
        const Optimizer::StateAccess tensors = optimizer.read(state);
        for (size_t i = 0; first_of_dp && i < parameters.weights().size(); ++i) {
            const Weight& w = parameters.weights()[i];
            const Tensor here = tensors.of(i);
            if (!here) continue;
            const Tensor t = collected(s, parameters.runtime, w, here);
            if (mine) s.optimizer.push_back({prefix + w.name, t});
        }
    }
    s.ops = &host_memory();
    s.stream = {};
    return s;
}

}  // namespace gradus
