#include "engine/exchange.h"

#include <algorithm>

namespace gradus {

namespace {

using Range = Arena::Range;

void add(std::vector<Range>& ranges, Range r) {
    if (r.count <= 0) return;
    if (!ranges.empty() && ranges.back().first + ranges.back().count == r.first) ranges.back().count += r.count;
    else ranges.push_back(r);
}

// What of `whole` is in none of the ranges, which ascend.
std::vector<Range> without(Range whole, const std::vector<Range>& taken) {
    std::vector<Range> left;
    int64_t at = whole.first;
    const int64_t end = whole.first + whole.count;
    for (const Range& t : taken) {
        add(left, {at, std::min(t.first, end) - at});
        at = std::max(at, t.first + t.count);
    }
    add(left, {at, end - at});
    return left;
}

}  // namespace

Exchange::Exchange(Model& model, const Mesh& mesh, bool sharded)
    : model_(model),
      dp_(mesh.dp),
      sharded_(sharded && mesh.dp.size > 1),
      shared_(model.run.ops, "gradients of shared heads") {
    Shape room_shape;
    const Comm& tp = model.run.tp;
    for (const Range& whole : model.grads.buckets()) {
        CHECK(!sharded_ || whole.count % dp_.size == 0, "a bucket cannot be cut into parts for the ranks of dp");
        buckets_.push_back({whole, {}, {}, {}});
    }
    std::vector<std::vector<Range>> left_to_others(buckets_.size());
    for (const Weight& w : model.weights()) {
        Bucket& b = buckets_[size_t(w.bucket)];
        const Tensor grad = as_matrix(w.grad);
        for (const Piece& p : w.pieces) {
            if (p.copies == 1) continue;
            const Range range = {w.first + p.row * grad.last(), p.rows * grad.last()};
            if (tp.rank % p.copies != 0) add(left_to_others[size_t(w.bucket)], range);
            // Up to the next weight: what lies between is zero.
            if (w.spec.split == Split::none) add(b.replicated, {range.first, (range.count + 63) / 64 * 64});
            else b.repeated.push_back({grad.slice(p.row, p.rows), tp.rank / p.copies * p.rows, tp.size / p.copies});
        }
    }
    // One room does for all: they are used one after the other.
    for (const Bucket& b : buckets_)
        for (const Repeated& r : b.repeated) {
            const Shape all = {r.holders * r.grad.rows(), r.grad.last()};
            CHECK(!room_shape.rank || room_shape == all, "shared heads are of one size");
            room_shape = all;
        }
    if (room_shape.rank) shared_.declare("shared", all_, room_shape, model.run.accumulator());
    shared_.allocate();
    for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i].counted = without(own(i), left_to_others[i]);
    if (dp_.size == 1) return;
    beside_ = model.run.ops.make_stream();
    mark_ = model.run.ops.make_event();
}

Exchange::~Exchange() {
    if (dp_.size == 1) return;
    model_.run.ops.release_event(mark_);
    model_.run.ops.release_stream(beside_);
}

Exchange::Range Exchange::own(size_t bucket) const {
    const Range& whole = buckets_[bucket].whole;
    if (!sharded_) return whole;
    const int64_t part = whole.count / dp_.size;
    return {whole.first + dp_.rank * part, part};
}

void Exchange::sum_gradients(size_t bucket) {
    const auto& [ops, d, m, dtype, tp, s] = model_.run;
    const Bucket& b = buckets_[bucket];
    const Tensor grads = model_.grads.flat();
    for (const Range& r : b.replicated) tp.sum(grads.part(r.first, r.count), s);
    for (const Repeated& r : b.repeated) {
        const Tensor mine = all_.slice(r.first, r.grad.rows());
        ops.zero(all_.data, all_.bytes(), s);
        ops.cast({.y = mine, .x = r.grad}, s);
        tp.sum(all_, s);
        ops.cast({.y = r.grad, .x = mine}, s);
    }
    if (dp_.size == 1) return;
    ops.record(mark_, s);
    ops.wait(beside_, mark_);
    const Tensor whole = grads.part(b.whole.first, b.whole.count);
    if (!sharded_) return dp_.sum(whole, beside_);
    const Range mine = own(bucket);
    dp_.reduce_scatter(grads.part(mine.first, mine.count), whole, beside_);
}

void Exchange::norm(Tensor total, Tensor parts) {
    const auto& [ops, d, m, dtype, tp, s] = model_.run;
    if (dp_.size > 1) {
        ops.record(mark_, beside_);
        ops.wait(s, mark_);
    }
    const Tensor grads = model_.grads.flat();
    ops.zero(total.data, total.bytes(), s);
    std::vector<Range> counted;  // across buckets where they touch: one call with one rank
    for (const Bucket& b : buckets_)
        for (const Range& r : b.counted) add(counted, r);
    for (const Range& r : counted)
        ops.square_sum({.total = total, .parts = parts, .x = grads.part(r.first, r.count)}, s);
    tp.sum(total, s);
    if (sharded_) dp_.sum(total, s);
}

void Exchange::gather(Tensor whole, Tensor own_parts) {
    if (!sharded_) return;
    int64_t at = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
        const Range all = buckets_[i].whole, mine = own(i);
        const Tensor part =
            own_parts.data == whole.data ? whole.part(mine.first, mine.count) : own_parts.part(at, mine.count);
        dp_.all_gather(whole.part(all.first, all.count), part, model_.run.stream);
        at += mine.count;
    }
}

}  // namespace gradus
