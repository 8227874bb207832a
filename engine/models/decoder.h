#pragma once
// A causal decoder, a stack of blocks: GPT-2 (learned positions) and LLaMA (rotary positions).
//
//   x₀ = wte[token] (+ wpe[position])      xₗ₊₁ = blockₗ(xₗ)      hidden = norm(x_L)
//
// Block is a struct of types and functions, as documented in engine/blocks/pre_norm.h; only it knows the names of its
// tensors.
#include <deque>

#include "engine/layers/norm.h"
#include "engine/layers/under.h"
#include "engine/models/model.h"

namespace gradus {

template <class Block>
struct DecoderWeights {
    Tensor wte, wpe;
    std::vector<typename Block::Weights> block;
    NormWeights norm;

    // visit(name, tensor, spec, bucket): backward completes the highest bucket first.
    template <class Visit>
    void each(const Dims& d, const ModelConfig& m, Visit&& visit) {
        block.resize(size_t(d.L));
        auto in_bucket = [&visit](int bucket) {
            return [&visit, bucket](const std::string& n, Tensor& t, const Spec& s) { visit(n, t, s, bucket); };
        };
        auto first = in_bucket(0), last = in_bucket(d.last_bucket());
        first("wte", wte, Spec{.shape = {d.V, d.C}, .split = Split::rows, .overwritten = m.tied});
        if (m.position == Position::learned) first("wpe", wpe, Spec{.shape = {m.context, d.C}});
        for (int l = 0; l < d.L; ++l) {
            auto mine = in_bucket(l + 1);
            block[size_t(l)].each(d, m, under("block." + std::to_string(l), mine));
        }
        norm.each(m, under("norm", last));
    }
};

template <class Block>
class Decoder final : public Model {
public:
    Decoder(const Run&, const Mode&, Parameters&, Arena& activations);

    void ready() override;
    Tensor forward(const Batch&) override;
    void backward(const Batch&, Tensor d_hidden, const BucketDone&) override;
    std::unique_ptr<KvCache> make_cache(int S, int P, int rows) const override;
    Tensor forward_cached(KvCache&, const CachedRows&, Tensor wanted) const override;
    WeightRef token_embedding() override { return {w_.wte, d_w_.wte}; }

private:
    struct Cache;
    void declare_weights(Parameters&);
    void declare_activations(Arena&);
    void embed(Tensor y, Tensor tokens, Tensor positions) const;
    Tensor embedding_forward(const Batch&);
    void embedding_backward(const Batch&);
    void dropout_of_embedding(const Batch&, Tensor x) const;
    void add_noise(const Batch&, Tensor x) const;
    typename Block::Acts& acts_of(int layer) { return acts_[mode_.recompute || !mode_.training ? 0 : size_t(layer)]; }
    Tensor stream_after(int layer) { return stream_[mode_.training ? size_t(layer + 1) : 0]; }

    const Run run_;
    const Mode mode_;
    DecoderWeights<Block> w_, d_w_;
    std::deque<typename Block::Acts> acts_;  // one for each layer, or one for all
    std::deque<Tensor> stream_;              // [n,C]  x₀ … x_L, or one for all
    typename Block::Scratch scratch_;
    NormActs norm_;
    Tensor hidden_;  // [N,C]
    Tensor d_x_;     // [n,C]
    Tensor rope_table_;
};

}  // namespace gradus
