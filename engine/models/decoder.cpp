#include "engine/models/decoder.h"

#include "engine/blocks/pre_norm.h"
#include "engine/layers/rope.h"
#include "kernels/dropout.h"
#include "kernels/elementwise.h"
#include "kernels/embedding.h"
#include "kernels/noise.h"

// Calls are aligned by hand, so that forward and backward can be compared.
// clang-format off
namespace gradus {

namespace {
}  // namespace

template <class Block>
Decoder<Block>::Decoder(const Run& r, const Mode& mode, Parameters& parameters, Arena& activations) : run_(r), mode_(mode) {
    declare_weights(parameters);
    declare_activations(activations);
}

template <class Block>
void Decoder<Block>::declare_weights(Parameters& parameters) {
    struct Declaration { std::string name; Tensor* value; Spec here; int bucket; };
    std::vector<Declaration> declared;
    w_.each(run_.d, run_.model, [&](const std::string& name, Tensor& t, const Spec& s, int bucket) {
        declared.push_back({name, &t, s, bucket});
    });
    std::vector<Tensor*> grads;
    d_w_.each(run_.d, run_.model, [&](const std::string&, Tensor& t, const Spec&, int) { grads.push_back(&t); });
    DecoderWeights<Block> on_one_rank;
    size_t i = 0;
    on_one_rank.each(dims_of(run_.model, run_.d.B, run_.d.T), run_.model, [&](const std::string&, Tensor&, const Spec& whole, int) {
        const Declaration& d = declared[i];
        parameters.declare(d.name, {*d.value, *grads[i++]}, d.here, whole, d.bucket);
    });
}

template <class Block>
void Decoder<Block>::declare_activations(Arena& activations) {
    const Dims& d = run_.d;
    const bool training = mode_.training;
    auto keep = [&](const std::string& name, Tensor& t, const Shape& shape, DType dtype) {
        activations.declare(name, t, shape, dtype);
    };
    const Shape rows = {d.N(), d.C}, own_rows = {run_.own_rows(), d.C};
    stream_.resize(training ? size_t(d.L + 1) : 1);
    acts_.resize(training && !mode_.recompute ? size_t(d.L) : 1);
    for (size_t l = 0; l < stream_.size(); ++l) keep("stream." + std::to_string(l), stream_[l], own_rows, run_.dtype);
    for (size_t l = 0; l < acts_.size(); ++l) {
        auto in_block = under("block." + std::to_string(l), keep);
        acts_[l].each(run_, in_block);
    }
    scratch_.each(run_, training, keep);
    norm_.each(run_, keep);
    keep("hidden", hidden_, rows, run_.dtype);
    if (training) keep("d_x", d_x_, own_rows, run_.dtype);
    if (run_.model.position == Position::rotary)
        keep("rope_table", rope_table_, Shape{run_.model.context, d.D / 2, 2}, run_.accumulator());
}

template <class Block>
void Decoder<Block>::ready() {
    if (rope_table_) fill_rope_table(run_.ops, run_.model, rope_table_, run_.stream);
}

// Embeds this rank's own ids; other rows are zero. With one rank also adds the positions.
template <class Block>
void Decoder<Block>::embed(Tensor y, Tensor tokens, Tensor positions) const {
    const bool alone = run_.tp.size == 1;
    run_.ops.embedding_forward({.y = y, .tokens = tokens, .wte = w_.wte.slice(0, run_.vocab_rows()),
                                .positions = w_.wpe && alone ? positions : Tensor{}, .wpe = alone ? w_.wpe : Tensor{},
                                .first_token = run_.vocab_offset(), .V = run_.model.V}, run_.stream);
}

template <class Block>
void Decoder<Block>::dropout_of_embedding(const Batch& batch, Tensor x) const {
    if (batch.dropout.p > 0)
        run_.ops.dropout({.y = x, .x = x, .p = batch.dropout.p, .key = run_.step.embedding_dropout_key(),
                          .first_row = run_.first_own_row(), .batch_row = batch.batch_row()}, run_.stream);
}

// Its backward does nothing: the gradient of a sum with a constant.
template <class Block>
void Decoder<Block>::add_noise(const Batch& batch, Tensor x) const {
    const NoiseState& noise = batch.noise;
    if (noise.amplitude)
        run_.ops.add_noise({.y = x, .x = x, .amplitude = noise.amplitude.part(run_.first_own_row(), run_.own_rows()),
                            .key = run_.step.noise_key, .first_row = run_.first_own_row(), .batch_row = batch.batch_row()},
                           run_.stream);
}

template <class Block>
Tensor Decoder<Block>::embedding_forward(const Batch& batch) {
    const Comm& tp = run_.tp;
    const Stream s = run_.stream;
    const Tensor x = stream_[0], all_rows = tp.size == 1 ? x : scratch_.rows();
    embed(all_rows, batch.tokens, batch.positions);
    tp.reduce_scatter(x, all_rows, s);
    if (tp.size > 1 && w_.wpe) {
        const Tensor positions = run_.own(scratch_.rows());
        run_.ops.embedding_forward({.y = positions, .tokens = batch.positions.part(run_.first_own_row(), run_.own_rows()),
                                    .wte = w_.wpe}, s);
        run_.ops.add({.y = x, .a = x, .b = positions}, s);
    }
    add_noise(batch, x);
    dropout_of_embedding(batch, x);
    return x;
}

template <class Block>
void Decoder<Block>::embedding_backward(const Batch& batch) {
    const Ops& ops = run_.ops;
    const Stream s = run_.stream;
    const bool alone = run_.tp.size == 1;
    dropout_of_embedding(batch, d_x_);
    if (!alone && w_.wpe)
        ops.embedding_backward({.d_wte = d_w_.wpe, .d_y = d_x_,
                                .tokens = batch.positions.part(run_.first_own_row(), run_.own_rows())}, s);
    ops.embedding_backward({.d_wte = d_w_.wte.slice(0, run_.vocab_rows()), .d_wpe = alone ? d_w_.wpe : Tensor{},
                            .d_y = run_.gathered(d_x_, scratch_.rows()), .tokens = batch.tokens,
                            .positions = w_.wpe && alone ? batch.positions : Tensor{}, .order = batch.order,
                            .position_order = batch.position_order, .first_token = run_.vocab_offset(), .V = run_.model.V}, s);
}

template <class Block>
Tensor Decoder<Block>::forward(const Batch& batch) {
    /*1*/ Tensor x = embedding_forward(batch);
    /*2*/ for (int l = 0; l < run_.d.L; ++l) {
        const Tensor y = stream_after(l);
        Block::forward(run_, l, w_.block[size_t(l)], acts_of(l), scratch_, batch, rope_table_, y, x);
        x = y;
    }
    /*3*/ norm_forward(run_, w_.norm, norm_, run_.own(hidden_), x);
          run_.tp.all_gather(hidden_, run_.own(hidden_), run_.stream);
    return hidden_;
}

template <class Block>
void Decoder<Block>::backward(const Batch& batch, Tensor d_hidden, const BucketDone& done) {
    CHECK(mode_.training, "this model has no memory for gradients");
    Run r = run_;
    r.overwrite = batch.first_of_step;
    auto finished = [&](int bucket) {
        if (done) done(bucket);
    };
          run_.tp.reduce_scatter(run_.own(d_hidden), d_hidden, run_.stream);
    /*3*/ norm_backward(run_, w_.norm, d_w_.norm, norm_, d_x_, run_.own(d_hidden), stream_.back());
          finished(run_.d.last_bucket());
    /*2*/ for (int l = run_.d.L - 1; l >= 0; --l) {
        const Tensor x = stream_[size_t(l)];
        const typename Block::Weights& w = w_.block[size_t(l)];
        if (mode_.recompute) Block::forward(run_, l, w, acts_of(l), scratch_, batch, rope_table_, run_.own(d_hidden), x);
        Block::backward(r, l, w, d_w_.block[size_t(l)], acts_of(l), scratch_, batch, rope_table_, d_x_, d_x_, x);
        finished(l + 1);
    }
    /*1*/ embedding_backward(batch);
          finished(0);
}

// ---- generation
// ----------------------------------------------------------------------------------------------------------

template <class Block>
struct Decoder<Block>::Cache final : KvCache {
    Run run;  // with the largest number of rows
    std::vector<typename Block::Cache> layer;
    typename Block::Acts acts;
    typename Block::Scratch scratch;
    NormActs norm;
    Tensor x, hidden, picked;  // [rows,C]

    Cache(const Run& r, int S, int P) : KvCache(r.ops), run(r) {
        auto keep = [&](const std::string& name, Tensor& t, const Shape& shape, DType dtype) {
            arena.declare(name, t, shape, dtype);
        };
        layer.resize(size_t(r.d.L));
        for (int l = 0; l < r.d.L; ++l) layer[size_t(l)].each(r, S, P, under("block." + std::to_string(l), keep));
        acts.each(r, keep);
        scratch.each(r, false, keep);
        norm.each(r, keep);
        for (auto [name, t] : {std::pair{"x", &x}, {"hidden", &hidden}, {"picked", &picked}})
            keep(name, *t, Shape{r.d.N(), r.d.C}, r.dtype);
        arena.allocate();
    }
};

template <class Block>
std::unique_ptr<KvCache> Decoder<Block>::make_cache(int S, int P, int rows) const {
    Run r = run_;
    r.d.B = 1;
    r.d.T = rows;
    r.tp = {};  // every rank computes all rows
    return std::make_unique<Cache>(r, S, P);
}

namespace {

// The same memory with the shapes for fewer rows.
template <class List, class... Args>
List resized(List list, Args&&... of_call) {
    list.each(std::forward<Args>(of_call)..., [](const std::string&, Tensor& t, const Shape& shape, DType dtype) {
        t = {t.data, dtype, shape};
    });
    return list;
}

}  // namespace

template <class Block>
Tensor Decoder<Block>::forward_cached(KvCache& cache, const CachedRows& rows, Tensor wanted) const {
    Cache& c = static_cast<Cache&>(cache);
    const Ops& ops = run_.ops;
    const Comm& tp = run_.tp;
    const Stream s = run_.stream;
    const int64_t n = rows.tokens.size();
    CHECK(n <= c.x.rows(), "more rows than the cache's capacity");
    Run r = c.run;
    r.d.T = int(n);
    typename Block::Acts acts = resized(c.acts, r);
    typename Block::Scratch scratch = resized(c.scratch, r, false);
    const Tensor x = c.x.slice(0, n);

    /*1*/ embed(x, rows.tokens, rows.position);
          tp.sum(x, s);
          if (tp.size > 1 && w_.wpe) {
              ops.embedding_forward({.y = scratch.rows(), .tokens = rows.position, .wte = w_.wpe}, s);
              ops.add({.y = x, .a = x, .b = scratch.rows()}, s);
          }
    /*2*/ for (int l = 0; l < run_.d.L; ++l)
        Block::cached(run_, w_.block[size_t(l)], acts, scratch, c.layer[size_t(l)], rows, rope_table_, x, x);
    const int64_t count = wanted ? wanted.size() : 0;
    if (count == 0) return {};
    const Tensor picked = c.picked.slice(0, count), hidden = c.hidden.slice(0, count);
    ops.embedding_forward({.y = picked, .tokens = wanted, .wte = x}, s);  // row i is row wanted[i] of x
    r.d.T = int(count);
    NormActs norm = resized(c.norm, r);
    /*3*/ norm_forward(run_, w_.norm, norm, hidden, picked);
    return hidden;
}

template class Decoder<PreNorm>;

}  // namespace gradus
