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

const Batch& SequenceInputs::upload(const MicroBatch& placed, const Sequences& sequences) {
    spans_.clear();
    for (const Placed& p : placed)
        spans_.push_back({int64_t(p.row) * host_.T + p.first, sequences.first[size_t(p.sequence)],
                          sequences.lengths[size_t(p.sequence)]});
    fill(host_, placed, sequences);
    staged_.take(host_);
    batch_.upload(run_.ops, staged_, run_.stream);
    return batch_;
}

template <class Visit>
void SequenceInputs::each_row(int shift, Visit&& visit) const {
    for (const Span& s : spans_)
        for (int64_t t = 0; t + shift < s.length; ++t) visit(s.here + t, size_t(s.there + t + shift));
}

void SequenceInputs::fetch(std::vector<double>& to, int shift) const {
    run_.ops.copy_to_host(host_per_row_.data, per_row_.data, per_row_.bytes(), run_.stream);
    run_.ops.synchronise(run_.stream);
    each_row(shift, [&](int64_t row, size_t id) {
        to[id] =
            per_row_.dtype == DType::f64 ? host_per_row_.as<double>()[row] : double(host_per_row_.as<float>()[row]);
    });
}

void SequenceInputs::send(const std::vector<double>& from, int shift) {
    const auto put = [&](int64_t row, double x) {
        if (per_row_.dtype == DType::f64) host_per_row_.as<double>()[row] = x;
        else host_per_row_.as<float>()[row] = float(x);
    };
    for (int64_t row = 0; row < per_row_.size(); ++row) put(row, 0);
    each_row(shift, [&](int64_t row, size_t id) { put(row, from[id]); });
    run_.ops.copy_to_device(per_row_.data, host_per_row_.data, per_row_.bytes(), run_.stream);
}

}  // namespace gradus
