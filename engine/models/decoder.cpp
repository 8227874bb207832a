#include "engine/models/decoder.h"

#include "engine/base/philox.h"
#include "engine/layers/rope.h"

// Calls are tables here, forward and backward to be read side by side.
// clang-format off
namespace gradus {

namespace {
constexpr int embedding_layer = -1;  // the embedding's place among the layers, for its dropout
}  // namespace

Decoder::Decoder(const Run& r, const Purpose& purpose) : Model(r), purpose_(purpose) {
    const Dims& d = run.d;
    const bool training = purpose.training;

    // Matrices first within a bucket: weight decay then covers whole ranges of the arena.
    auto group = [](int bucket, const Spec& s) { return 2 * bucket + (s.decayed() ? 0 : 1); };
    w_.each(d, run.model, [&](const std::string& name, Tensor& t, const Spec& s, int bucket) {
        params.declare(name, t, s.shape, run.dtype, group(bucket, s));
        weights_.push_back({name, s, 0, {}, {}});
    });
    if (training)
        d_w_.each(d, run.model, [&](const std::string& name, Tensor& t, const Spec& s, int bucket) {
            grads.declare(name, t, s.shape, run.accumulator(), group(bucket, s));
        });
    params.allocate();
    if (training) grads.allocate();

    std::vector<Weight> in_memory_order;
    for (size_t i = 0; i < params.entries().size(); ++i) {
        const Arena::Entry& e = params.entries()[i];
        for (const Weight& w : weights_)
            if (w.name == e.name)
                in_memory_order.push_back({w.name, w.spec, e.first, *e.tensor,
                                           training ? *grads.entries()[i].tensor : Tensor{}});
    }
    weights_ = std::move(in_memory_order);

    auto keep = [&](const std::string& name, Tensor& t, const Shape& shape, DType dtype) {
        acts.declare(name, t, shape, dtype);
    };
    const Shape rows = {d.N(), d.C};
    stream_.resize(training ? size_t(d.L + 1) : 1);
    acts_.resize(training && !purpose.recompute ? size_t(d.L) : 1);
    for (size_t l = 0; l < stream_.size(); ++l) keep("stream." + std::to_string(l), stream_[l], rows, run.dtype);
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
        keep("d_x", d_x_, rows, run.dtype);
    }
    if (run.model.position == Position::rotary)
        keep("turns", turns_, Shape{run.model.context, d.D / 2, 2}, run.accumulator());
    acts.allocate();
    if (turns_) fill_turns(run.ops, run.model, turns_, run.stream);
}

Tensor Decoder::embedded(const Batch& batch) {
    const auto& [ops, d, m, dtype, tp, s] = run;
    const Tensor x = stream_[0];
    ops.embedding_forward({.y = x, .tokens = batch.tokens, .wte = w_.wte, .positions = w_.wpe ? batch.positions : Tensor{},
                           .wpe = w_.wpe}, s);
    const Dropping& drop = batch.dropping;
    if (drop.p > 0)
        ops.dropout({.y = x, .x = x, .p = drop.p, .key = key_of(drop.seed, drop.step, embedding_layer),
                     .first_row = drop.first_row}, s);
    return x;
}

void Decoder::forward(const Batch& batch) {
    /*1*/ Tensor x = embedded(batch);
    /*2*/ for (int l = 0; l < run.d.L; ++l) {
        const Tensor y = stream_after(l);
        block_forward(run, l, w_.block[size_t(l)], acts_of(l), scratch_, batch, turns_, y, x);
        x = y;
    }
    /*3*/ norm_forward(run, w_.norm, norm_, normed_, x);
}

void Decoder::loss(const Batch& batch, Tensor losses, const LossConfig& c) {
    forward(batch);
    /*4*/ head_loss(run, c, w_.classifier(run.model), head_, losses, normed_, batch.targets);
}

void Decoder::loss_and_backward(const Batch& batch, Tensor losses, double scale) {
    CHECK(purpose_.training, "this model was made without memory for gradients");
    const auto& [ops, d, m, dtype, tp, s] = run;
    forward(batch);
    /*4*/ head_loss_and_backward(run, purpose_.loss, w_.classifier(m), d_w_.classifier(m), head_, losses, d_normed_, normed_,
                                 batch.targets, scale);
    /*3*/ norm_backward(run, w_.norm, d_w_.norm, norm_, d_x_, d_normed_, stream_.back());
    /*2*/ for (int l = d.L - 1; l >= 0; --l) {
        const Tensor x = stream_[size_t(l)];
        const BlockWeights& w = w_.block[size_t(l)];
        if (purpose_.recompute) block_forward(run, l, w, acts_of(l), scratch_, batch, turns_, d_normed_, x);
        block_backward(run, l, w, d_w_.block[size_t(l)], acts_of(l), scratch_, batch, turns_, d_x_, d_x_, x);
    }
    /*1*/ const Dropping& drop = batch.dropping;
    if (drop.p > 0)
        ops.dropout({.y = d_x_, .x = d_x_, .p = drop.p, .key = key_of(drop.seed, drop.step, embedding_layer),
                     .first_row = drop.first_row}, s);
    ops.embedding_backward({.d_wte = d_w_.wte, .d_wpe = d_w_.wpe, .d_y = d_x_, .tokens = batch.tokens,
                            .positions = w_.wpe ? batch.positions : Tensor{}}, s);
}

void Decoder::logits(const Batch& batch, Tensor logits) {
    forward(batch);
    run.ops.linear_forward({.y = logits, .x = normed_, .w = w_.classifier(run.model)}, run.stream);
}

void Decoder::make_cache(int S, int P, int rows) {
    cache_ = std::make_unique<Cache>(run.ops);
    Run r = run;
    r.d.B = 1;
    r.d.T = rows;
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
    cache_->arena.allocate();
}

void Decoder::cached(const CachedRows& rows, Tensor wanted, Tensor logits) {
    CHECK(cache_, "cached() before make_cache()");
    const auto& [ops, d, m, dtype, tp, s] = run;
    const int64_t n = rows.tokens.size();
    Cache& c = *cache_;
    CHECK(n <= c.x.rows(), "more rows than the cache was made for");

    BlockActs a = c.acts;  // the same memory, as n rows
    for (Tensor* t : {&a.normed1, &a.mid, &a.normed2, &a.attention.qkv, &a.attention.y, &a.feed_forward.up,
                      &a.feed_forward.bent})
        *t = t->slice(0, n);
    for (Tensor* t : {&a.norm1.mean, &a.norm1.rstd, &a.norm2.mean, &a.norm2.rstd})
        if (*t) *t = t->part(0, n);
    BlockScratch k;
    k.branch = c.scratch.branch.slice(0, n);
    const Tensor x = c.x.slice(0, n);

    /*1*/ ops.embedding_forward({.y = x, .tokens = rows.tokens, .wte = w_.wte, .positions = w_.wpe ? rows.position : Tensor{},
                                 .wpe = w_.wpe}, s);
    /*2*/ for (int l = 0; l < d.L; ++l)
        block_cached(run, w_.block[size_t(l)], a, k, c.layer[size_t(l)], rows, turns_, x, x);
    const int64_t count = wanted ? wanted.size() : 0;
    if (count == 0) return;  // a piece of a prompt whose logits nobody wants
    const Tensor picked = c.picked.slice(0, count), normed = c.normed.slice(0, count);
    ops.embedding_forward({.y = picked, .tokens = wanted, .wte = x}, s);  // row i is row wanted[i] of x
    NormActs norm;
    for (auto [mine, whole] : {std::pair{&norm.mean, &c.acts.norm1.mean}, {&norm.rstd, &c.acts.norm1.rstd}})
        if (*whole) *mine = whole->part(0, count);
    /*3*/ norm_forward(run, w_.norm, norm, normed, picked);
    /*4*/ ops.linear_forward({.y = logits, .x = normed, .w = w_.classifier(m)}, s);
}

}  // namespace gradus
