#include "align/batches/inputs.h"

namespace gradus {

SequenceInputs::SequenceInputs(const Run& r)
    : run_(r), arena_(r.ops, "inputs"), on_host_(r.ops, "inputs on the host", ArenaMemory::host), host_(r.d.B, r.d.T) {
    const Shape rows = {r.d.N()};
    batch_.declare(arena_, r.d.B, r.d.T);
    arena_.declare("numbers of rows", per_row_, rows, r.accumulator());
    arena_.declare("losses", losses_, rows, r.accumulator());
    arena_.allocate();
    staged_.declare(on_host_, r.d.B, r.d.T);
    on_host_.declare("numbers of rows", host_per_row_, rows, r.accumulator());
    on_host_.allocate();
}

const Batch& SequenceInputs::upload(const MicroBatch& placed, const std::vector<Sequence>& sequences) {
    placed_ = placed;
    lengths_.clear();
    for (const Placed& p : placed) lengths_.push_back(sequences[size_t(p.sequence)].size());
    fill(host_, placed, sequences);
    staged_.take(host_);
    batch_.upload(run_.ops, staged_, run_.stream);
    return batch_;
}

template <class Visit>
void SequenceInputs::each_row(Visit&& visit) const {
    for (size_t i = 0; i < placed_.size(); ++i)
        for (int t = 0; t < lengths_[i]; ++t)
            visit(size_t(placed_[i].sequence), t, int64_t(placed_[i].row) * host_.T + placed_[i].first + t);
}

void SequenceInputs::fetch(PerId& to, int shift) const {
    run_.ops.copy_to_host(host_per_row_.data, per_row_.data, per_row_.bytes(), run_.stream);
    run_.ops.synchronise(run_.stream);
    each_row([&](size_t sequence, int t, int64_t row) {
        const size_t id = size_t(t + shift);
        if (id >= to[sequence].size()) return;
        to[sequence][id] =
            per_row_.dtype == DType::f64 ? host_per_row_.as<double>()[row] : double(host_per_row_.as<float>()[row]);
    });
}

void SequenceInputs::send(const PerId& from, int shift) {
    const auto put = [&](int64_t row, double x) {
        if (per_row_.dtype == DType::f64) host_per_row_.as<double>()[row] = x;
        else host_per_row_.as<float>()[row] = float(x);
    };
    for (int64_t row = 0; row < per_row_.size(); ++row) put(row, 0);
    each_row([&](size_t sequence, int t, int64_t row) {
        const size_t id = size_t(t + shift);
        if (id < from[sequence].size()) put(row, from[sequence][id]);
    });
    run_.ops.copy_to_device(per_row_.data, host_per_row_.data, per_row_.bytes(), run_.stream);
}

}  // namespace gradus
