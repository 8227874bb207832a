#include "engine/models/decoder.h"

#include <unordered_map>

#include "engine/base/philox.h"
#include "engine/layers/rope.h"

// Calls are tables here, forward and backward to be read side by side.
// clang-format off
namespace gradus {

namespace {
constexpr int embedding_layer = -1;  // the embedding's place among the layers, for its dropout
}  // namespace

Decoder::Decoder(const Run& r, const Purpose& purpose) : Model(r), purpose_(purpose) {
    declare_weights();
    declare_activations();
    if (rope_table_) fill_rope_table(run.ops, run.model, rope_table_, run.stream);
}

void Decoder::declare_weights() {
    const Dims& d = run.d;
    // Matrices first within a bucket: weight decay then covers whole ranges of the arena. What every rank of tp holds is
    // last among them, and among the vectors, so that its gradients are summed in few calls.
    auto place = [](int bucket, const Spec& s) -> Arena::Place {
        return {bucket, (s.decayed() ? 0 : 2) + (s.split == Split::none ? 1 : 0)};
    };
    w_.each(d, run.model, [&](const std::string& name, Tensor& t, const Spec& s, int bucket) {
        params.declare(name, t, s.shape, run.dtype, place(bucket, s));
        weights_.push_back({name, s, bucket, {}, {}});
    });
    size_t i = 0;
    DecoderWeights on_one_rank;
    on_one_rank.each(dims_of(run.model, d.B, d.T), run.model, [&](const std::string&, Tensor&, const Spec& s, int) {
        weights_[i].whole = s;
        weights_[i].slices = slices_of(s, weights_[i].spec, run.tp.rank, run.tp.size);
        ++i;
    });
    if (purpose_.training)
        d_w_.each(d, run.model, [&](const std::string& name, Tensor& t, const Spec& s, int bucket) {
            grads.declare(name, t, s.shape, run.accumulator(), place(bucket, s));
        });
    params.allocate(purpose_.parts);
    if (purpose_.training) grads.allocate(purpose_.parts);

    std::unordered_map<std::string_view, Weight*> by_name;
    for (Weight& w : weights_) by_name[w.name] = &w;
    std::vector<Weight> in_memory_order;
    for (size_t e = 0; e < params.entries().size(); ++e) {
        const Arena::Entry& entry = params.entries()[e];
        Weight& w = *by_name.at(entry.name);
        w.first = entry.first;
        w.value = *entry.tensor;
        if (purpose_.training) w.grad = *grads.entries()[e].tensor;
        in_memory_order.push_back(w);
    }
    weights_ = std::move(in_memory_order);
}

void Decoder::declare_activations() {
    const Dims& d = run.d;
    const bool training = purpose_.training;
    auto keep = [&](const std::string& name, Tensor& t, const Shape& shape, DType dtype) {
        acts.declare(name, t, shape, dtype);
    };
    const Shape rows = {d.N(), d.C}, own_rows = {run.own_rows(), d.C};
    stream_.resize(training ? size_t(d.L + 1) : 1);
    acts_.resize(training && !purpose_.recompute ? size_t(d.L) : 1);
    for (size_t l = 0; l < stream_.size(); ++l) keep("stream." + std::to_string(l), stream_[l], own_rows, run.dtype);
    for (size_t l = 0; l < acts_.size(); ++l) {
        auto in_block = under("block." + std::to_string(l), keep);
        acts_[l].each(run, in_block);
    }
    scratch_.each(run, training, keep);
    head_.each(run, keep);
    norm_.each(run, keep);
    keep("normed", normed_, rows, run.dtype);
    if (training) {
        keep("d_normed", d_normed_, rows, run.dtype);
        keep("d_x", d_x_, own_rows, run.dtype);
    }
    if (run.model.position == Position::rotary)
        keep("rope_table", rope_table_, Shape{run.model.context, d.D / 2, 2}, run.accumulator());
    acts.declare_matmul_workspace(matmul_workspace_);
    acts.allocate();
    run.stream = run.stream.with(matmul_workspace_);
}

// This rank's part of the rows: those of its own ids. With one rank the positions go along.
void Decoder::embed(Tensor y, Tensor tokens, Tensor positions) {
    const bool alone = run.tp.size == 1;
    run.ops.embedding_forward({.y = y, .tokens = tokens, .wte = w_.wte.slice(0, run.vocab_rows()),
                               .positions = w_.wpe && alone ? positions : Tensor{}, .wpe = alone ? w_.wpe : Tensor{},
                               .first_token = run.vocab_offset(), .V = run.model.V}, run.stream);
}

Tensor Decoder::embedded(const Batch& batch) {
    const auto& [ops, d, m, dtype, tp, s] = run;
    const Tensor x = stream_[0], all_rows = tp.size == 1 ? x : scratch_.branch;
    embed(all_rows, batch.tokens, batch.positions);
    tp.reduce_scatter(x, all_rows, s);
    if (tp.size > 1 && w_.wpe) {
        const Tensor positions = run.own(scratch_.branch);
        ops.embedding_forward({.y = positions, .tokens = batch.positions.part(run.first_own_row(), run.own_rows()),
                               .wte = w_.wpe}, s);
        ops.add({.y = x, .a = x, .b = positions}, s);
    }
    const DropoutState& drop = batch.dropout;
    if (drop.p > 0)
        ops.dropout({.y = x, .x = x, .p = drop.p, .key = key_of(drop.seed, drop.step, embedding_layer),
                     .first_row = drop.first_row + run.first_own_row()}, s);
    return x;
}

void Decoder::embedded_backward(const Batch& batch) {
    const auto& [ops, d, m, dtype, tp, s] = run;
    const bool alone = tp.size == 1;
    const DropoutState& drop = batch.dropout;
    if (drop.p > 0)
        ops.dropout({.y = d_x_, .x = d_x_, .p = drop.p, .key = key_of(drop.seed, drop.step, embedding_layer),
                     .first_row = drop.first_row + run.first_own_row()}, s);
    if (!alone && w_.wpe)
        ops.embedding_backward({.d_wte = d_w_.wpe, .d_y = d_x_,
                                .tokens = batch.positions.part(run.first_own_row(), run.own_rows())}, s);
    ops.embedding_backward({.d_wte = d_w_.wte.slice(0, run.vocab_rows()), .d_wpe = alone ? d_w_.wpe : Tensor{},
                            .d_y = run.gathered(d_x_, scratch_.branch), .tokens = batch.tokens,
                            .positions = w_.wpe && alone ? batch.positions : Tensor{},
                            .first_token = run.vocab_offset(), .V = m.V}, s);
}

void Decoder::forward(const Batch& batch) {
    /*1*/ Tensor x = embedded(batch);
    /*2*/ for (int l = 0; l < run.d.L; ++l) {
        const Tensor y = stream_after(l);
        block_forward(run, l, w_.block[size_t(l)], acts_of(l), scratch_, batch, rope_table_, y, x);
        x = y;
    }
    /*3*/ norm_forward(run, w_.norm, norm_, run.own(normed_), x);
          run.tp.all_gather(normed_, run.own(normed_), run.stream);
}

void Decoder::loss(const Batch& batch, Tensor losses, const LossConfig& c) {
    forward(batch);
    /*4*/ head_loss(run, c, w_.classifier(run.model), head_, losses, normed_, batch.targets);
}

void Decoder::loss_and_backward(const Batch& batch, Tensor losses, double scale, const BucketDone& done) {
    CHECK(purpose_.training, "this model was made without memory for gradients");
    const auto& [ops, d, m, dtype, tp, s] = run;
    auto finished = [&](int bucket) {
        if (done) done(bucket);
    };
    forward(batch);
    /*4*/ head_loss_and_backward(run, purpose_.loss, w_.classifier(m), d_w_.classifier(m), head_, losses, d_normed_, normed_,
                                 batch.targets, scale);
          tp.reduce_scatter(run.own(d_normed_), d_normed_, s);
    /*3*/ norm_backward(run, w_.norm, d_w_.norm, norm_, d_x_, run.own(d_normed_), stream_.back());
          finished(d.L + 1);
    /*2*/ for (int l = d.L - 1; l >= 0; --l) {
        const Tensor x = stream_[size_t(l)];
        const BlockWeights& w = w_.block[size_t(l)];
        if (purpose_.recompute) block_forward(run, l, w, acts_of(l), scratch_, batch, rope_table_, run.own(d_normed_), x);
        block_backward(run, l, w, d_w_.block[size_t(l)], acts_of(l), scratch_, batch, rope_table_, d_x_, d_x_, x);
        finished(l + 1);
    }
    /*1*/ embedded_backward(batch);
          finished(0);
}

void Decoder::logits(const Batch& batch, Tensor logits) {
    CHECK(run.tp.size == 1, "no rank has all logits");
    forward(batch);
    run.ops.linear_forward({.y = logits, .x = normed_, .w = w_.classifier(run.model)}, run.stream);
}

size_t Decoder::make_cache(int S, int P, int rows) {
    cache_ = std::make_unique<Cache>(run.ops);
    Run r = run;
    r.d.B = 1;
    r.d.T = rows;
    r.tp = {};  // every rank works on all rows
    auto keep = [&](const std::string& name, Tensor& t, const Shape& shape, DType dtype) {
        cache_->arena.declare(name, t, shape, dtype);
    };
    cache_->layer.resize(size_t(r.d.L));
    for (int l = 0; l < r.d.L; ++l)
        for (auto [name, t] : {std::pair{"k", &cache_->layer[size_t(l)].k}, {"v", &cache_->layer[size_t(l)].v}})
            keep("block." + std::to_string(l) + "." + name, *t, Shape{S, r.d.G, P, r.d.D}, r.dtype);
    cache_->acts.each(r, keep);
    cache_->scratch.each(r, false, keep);
    keep("x", cache_->x, Shape{rows, r.d.C}, r.dtype);
    keep("normed", cache_->normed, Shape{rows, r.d.C}, r.dtype);
    keep("picked", cache_->picked, Shape{rows, r.d.C}, r.dtype);
    if (run.tp.size > 1) keep("logits", cache_->own_logits, Shape{S, r.d.V}, r.dtype);
    cache_->arena.allocate();
    return cache_->arena.bytes();
}

void Decoder::cached(const CachedRows& rows, Tensor wanted, Tensor logits) {
    CHECK(cache_, "cached() before make_cache()");
    const auto& [ops, d, m, dtype, tp, s] = run;
    const int64_t n = rows.tokens.size();
    Cache& c = *cache_;
    CHECK(n <= c.x.rows(), "more rows than the cache was made for");

    BlockActs a = c.acts;  // the same memory, as n rows
    for (Tensor* t : {&a.normed1, &a.mid, &a.normed2, &a.attention.qkv, &a.attention.y, &a.feed_forward.up,
                      &a.feed_forward.activated})
        *t = t->slice(0, n);
    for (Tensor* t : {&a.norm1.mean, &a.norm1.rstd, &a.norm2.mean, &a.norm2.rstd})
        if (*t) *t = t->part(0, n);
    BlockScratch k;
    k.branch = c.scratch.branch.slice(0, n);
    const Tensor x = c.x.slice(0, n);

    /*1*/ embed(x, rows.tokens, rows.position);
          tp.sum(x, s);
          if (tp.size > 1 && w_.wpe) {
              ops.embedding_forward({.y = k.branch, .tokens = rows.position, .wte = w_.wpe}, s);
              ops.add({.y = x, .a = x, .b = k.branch}, s);
          }
    /*2*/ for (int l = 0; l < d.L; ++l)
        block_cached(run, w_.block[size_t(l)], a, k, c.layer[size_t(l)], rows, rope_table_, x, x);
    const int64_t count = wanted ? wanted.size() : 0;
    if (count == 0) return;  // a piece of a prompt whose logits nobody wants
    const Tensor picked = c.picked.slice(0, count), normed = c.normed.slice(0, count);
    ops.embedding_forward({.y = picked, .tokens = wanted, .wte = x}, s);  // row i is row wanted[i] of x
    NormActs norm;
    for (auto [mine, whole] : {std::pair{&norm.mean, &c.acts.norm1.mean}, {&norm.rstd, &c.acts.norm1.rstd}})
        if (*whole) *mine = whole->part(0, count);
    /*3*/ norm_forward(run, w_.norm, norm, normed, picked);
    const Tensor own_logits = tp.size == 1 ? logits : c.own_logits.slice(0, count);
    /*4*/ ops.linear_forward({.y = own_logits, .x = normed, .w = w_.classifier(m)}, s);
          for (int64_t i = 0; tp.size > 1 && i < count; ++i) tp.all_gather(logits.slice(i, 1), own_logits.slice(i, 1), s);
}

}  // namespace gradus
