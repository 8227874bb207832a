#include "engine/exchange.h"

#include <algorithm>

#include "kernels/elementwise.h"
#include "kernels/optimizer.h"

namespace gradus {

namespace {

using Range = Arena::Range;

void add(std::vector<Range>& ranges, Range r) {
    if (r.count <= 0) return;
    if (!ranges.empty() && ranges.back().first + ranges.back().count == r.first) ranges.back().count += r.count;
    else ranges.push_back(r);
}

// The parts of `whole` that are in none of the ranges, which are in ascending order.
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

Range common(Range a, Range b) {
    const int64_t first = std::max(a.first, b.first);
    return {first, std::min(a.first + a.count, b.first + b.count) - first};
}

}  // namespace

Exchange::Exchange(Parameters& parameters, const Mesh& mesh, bool sharded)
    : parameters_(parameters),
      dp_(mesh.dp),
      sharded_(sharded && mesh.dp.size > 1),
      shared_(parameters.runtime.ops, "gradients of shared heads") {
    const Comm& tp = parameters.runtime.tp;
    for (const Range& whole : parameters.grads.buckets()) {
        CHECK(!sharded_ || whole.count % dp_.size == 0, "a bucket is not divisible by the ranks of dp");
        buckets_.push_back({whole, {}, {}, {}});
    }
    std::vector<std::vector<Range>> left_to_others(buckets_.size());
    int64_t workspace = 0;  // shared by all: they are used one after the other
    for (const Weight& w : parameters.weights()) {
        Bucket& b = buckets_[size_t(w.bucket)];
        const int64_t columns = as_matrix(w.grad).last();
        for (const WeightSlice& p : w.slices) {
            if (p.copies == 1) continue;
            const Range range = {w.first + p.row * columns, p.rows * columns};
            if (tp.rank % p.copies != 0) add(left_to_others[size_t(w.bucket)], range);
            if (w.spec.split == Split::none) {
                // Including the padding up to the next weight, which is zero.
                add(b.replicated, common({range.first, aligned_in_arena(range.count)}, own(size_t(w.bucket))));
                continue;
            }
            const SharedHead r = {common(range, own(size_t(w.bucket))), tp.rank / p.copies, tp.size / p.copies};
            if (r.range.count <= 0) continue;
            b.shared_heads.push_back(r);
            workspace = std::max(workspace, r.heads * r.range.count);
        }
    }
    if (workspace > 0) shared_.declare("shared", workspace_, {workspace}, parameters.runtime.accumulator());
    shared_.allocate();
    for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i].counted = without(own(i), left_to_others[i]);
    if (dp_.size == 1) return;
    comm_stream_ = parameters.runtime.ops.make_stream();
    mark_ = parameters.runtime.ops.make_event();
}

Exchange::~Exchange() {
    if (dp_.size == 1) return;
    runtime().ops.release_event(mark_);
    runtime().ops.release_stream(comm_stream_);
}

Exchange::Range Exchange::own(size_t bucket) const {
    const Range& whole = buckets_[bucket].whole;
    if (!sharded_) return whole;
    const int64_t part = whole.count / dp_.size;
    return {whole.first + dp_.rank * part, part};
}

void Exchange::sum_gradients(size_t bucket) {
    if (dp_.size == 1) return;
    const Ops& ops = runtime().ops;
    const Range& all = buckets_[bucket].whole;
    const Tensor grads = parameters_.grads.flat(), whole = grads.part(all.first, all.count);
    ops.record(mark_, runtime().stream);
    ops.wait(comm_stream_, mark_);
    if (!sharded_) return dp_.sum(whole, comm_stream_);
    const Range mine = own(bucket);
    dp_.reduce_scatter(grads.part(mine.first, mine.count), whole, comm_stream_);
}

// When not sharded, all ranks of dp need the same bits; when sharded, they have different elements.
void Exchange::broadcast_over_dp(Tensor t) {
    if (!sharded_) dp_.broadcast(t, 0, runtime().stream);
}

void Exchange::sum_over_tp(const Bucket& b) {
    const Ops& ops = runtime().ops;
    const Comm& tp = runtime().tp;
    const Stream s = runtime().stream;
    const Tensor grads = parameters_.grads.flat();
    for (const Range& r : b.replicated) {
        const Tensor grad = grads.part(r.first, r.count);
        tp.sum(grad, s);
        broadcast_over_dp(grad);
    }
    for (const SharedHead& r : b.shared_heads) {
        const Tensor grad = grads.part(r.range.first, r.range.count), all = workspace_.part(0, r.heads * r.range.count),
                     mine = all.part(r.head * r.range.count, r.range.count);
        ops.zero(all.data, all.bytes(), s);
        ops.cast({.y = mine, .x = grad}, s);
        tp.sum(all, s);
        broadcast_over_dp(mine);
        ops.cast({.y = grad, .x = mine}, s);
    }
}

void Exchange::norm(Tensor total, Tensor parts) {
    const Ops& ops = runtime().ops;
    const Comm& tp = runtime().tp;
    const Stream s = runtime().stream;
    if (dp_.size > 1) {
        ops.record(mark_, comm_stream_);
        ops.wait(s, mark_);
    }
    if (tp.size > 1)
        for (auto b = buckets_.rbegin(); b != buckets_.rend(); ++b) sum_over_tp(*b);
    const Tensor grads = parameters_.grads.flat();
    ops.zero(total.data, total.bytes(), s);
    std::vector<Range> counted;  // merged across buckets: a single range with one rank
    for (const Bucket& b : buckets_)
        for (const Range& r : b.counted) add(counted, r);
    for (const Range& r : counted)
        ops.square_sum({.total = total, .parts = parts, .x = grads.part(r.first, r.count)}, s);
    if (sharded_) dp_.sum(total, s);
    tp.sum(total, s);
    if (tp.size > 1) dp_.broadcast(total, 0, s);
}

void Exchange::gather(Tensor whole, Tensor own_parts) {
    if (!sharded_) return;
    int64_t at = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
        const Range all = buckets_[i].whole, mine = own(i);
        const Tensor part =
            own_parts.data == whole.data ? whole.part(mine.first, mine.count) : own_parts.part(at, mine.count);
        dp_.all_gather(whole.part(all.first, all.count), part, runtime().stream);
        at += mine.count;
    }
}

}  // namespace gradus
