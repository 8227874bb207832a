#include "engine/parameters.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace gradus {

namespace {

// Matrices come first within a bucket, so that weight decay covers contiguous ranges of the arena. Weights that every
// rank of tp has come last among the matrices, and among the vectors, so that few calls sum their gradients.
Arena::Place place_of(const Spec& s, int bucket) {
    return {bucket, (s.decayed() ? 0 : 2) + (s.split == Split::none ? 1 : 0)};
}

}  // namespace

Parameters::Parameters(const Runtime& r) : runtime(r), values(r.ops, "params"), grads(r.ops, "grads") {}

void Parameters::declare(const std::string& name, WeightRef ref, const Spec& here, const Spec& whole, int bucket) {
    Weight w = {name, here, bucket, whole, slices_of(whole, here, runtime.tp.rank, runtime.tp.size)};
    declared_.push_back({std::move(w), ref});
}

std::vector<Weight> Parameters::declared() const {
    std::vector<Weight> all;
    for (const Declared& d : declared_) all.push_back(d.weight);
    return all;
}

void Parameters::allocate(bool training, int parts) {
    std::unordered_map<std::string_view, const Declared*> by_name;
    for (const Declared& d : declared_) {
        const Spec& s = d.weight.spec;
        const Arena::Place place = place_of(s, d.weight.bucket);
        CHECK(by_name.emplace(d.weight.name, &d).second, "two weights have the name " + d.weight.name);
        values.declare(d.weight.name, d.ref.value, s.shape, runtime.dtype, place);
        if (training) grads.declare(d.weight.name, d.ref.grad, s.shape, runtime.accumulator(), place);
    }
    values.allocate(parts);
    if (training) grads.allocate(parts);
    for (size_t i = 0; i < values.entries().size(); ++i) {
        const Arena::Entry& entry = values.entries()[i];
        Weight w = by_name.at(entry.name)->weight;
        w.first = entry.first;
        w.value = *entry.tensor;
        if (training) w.grad = *grads.entries()[i].tensor;
        weights_.push_back(std::move(w));
    }
    declared_.clear();
}

void Parameters::zero_gradients(bool overwritten_too) {
    const Tensor all = grads.flat();
    const auto zero = [&](int64_t first, int64_t last) {
        const Tensor part = all.part(first, last - first);
        if (last > first) runtime.ops.zero(part.data, part.bytes(), runtime.stream);
    };
    int64_t from = 0;  // padding is zeroed too
    for (const Weight& w : weights_) {
        if (overwritten_too || !w.spec.overwritten) continue;
        zero(from, w.first);
        from = w.first;
        for (const WeightSlice& s : w.slices)
            from = std::max(from, w.first + (s.row + s.rows) * (w.value.size() / w.value.shape.dim[0]));
    }
    zero(from, all.size());
}

void copy_values(Parameters& to, const Parameters& from) {
    std::unordered_map<std::string_view, Tensor> there;
    for (const Weight& w : from.weights()) there.emplace(w.name, w.value);
    from.runtime.ops.synchronise(from.runtime.stream);
    for (const Weight& w : to.weights()) {
        const auto found = there.find(w.name);
        if (found == there.end()) continue;
        CHECK(found->second.shape == w.value.shape && found->second.dtype == w.value.dtype,
              "weight " + w.name + " differs in shape or dtype");
        to.runtime.ops.copy(w.value.data, found->second.data, w.value.bytes(), to.runtime.stream);
    }
    to.runtime.ops.synchronise(to.runtime.stream);
}

}  // namespace gradus
