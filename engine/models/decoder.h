#pragma once
// A stack of pre-norm blocks that predicts the next token: GPT-2 (learned positions) and LLaMA (rotary positions).
//
//   x₀ = wte[token] (+ wpe[position])      xₗ₊₁ = blockₗ(xₗ)      logits = norm(x_L)·headᵀ        head = wte where tied
#include "engine/blocks/pre_norm.h"
#include "engine/models/model.h"

namespace gradus {

struct DecoderWeights {
    Tensor wte, wpe, head;
    std::vector<BlockWeights> block;
    NormWeights norm;

    // visit(name, tensor, spec, bucket): a bucket is what is reduced over data-parallel ranks at once.
    template <class Visit>
    void each(const Dims& d, const ModelConfig& m, Visit&& visit) {
        block.resize(size_t(d.L));
        auto in_bucket = [&visit](int bucket) {
            return [&visit, bucket](const std::string& n, Tensor& t, const Spec& s) { visit(n, t, s, bucket); };
        };
        auto first = in_bucket(0), last = in_bucket(d.L + 1);
        first("wte", wte, Spec{.shape = {d.V, d.C}, .split = Split::rows});
        if (m.position == Position::learned) first("wpe", wpe, Spec{.shape = {m.context, d.C}});
        for (int l = 0; l < d.L; ++l) {
            auto mine = in_bucket(l + 1);
            block[size_t(l)].each(d, m, under("block." + std::to_string(l), mine));
        }
        norm.each(m, under("norm", last));
        if (!m.tied) last("head", head, Spec{.shape = {d.V, d.C}, .split = Split::rows});
    }

    Tensor classifier(const ModelConfig& m) const { return m.tied ? wte : head; }
};

class Decoder final : public Model {
public:
    Decoder(const Run&, const Purpose&);

    void loss(const Batch&, Tensor losses, const LossConfig&) override;
    void loss_and_backward(const Batch&, Tensor losses, double scale, const BucketDone&) override;
    void logits(const Batch&, Tensor logits) override;
    size_t make_cache(int S, int P, int rows) override;
    void cached(const CachedRows&, Tensor wanted, Tensor logits) override;

private:
    void declare_weights();
    void declare_activations();
    void forward(const Batch&);
    void embed(Tensor y, Tensor tokens, Tensor positions);
    Tensor embedded(const Batch&);
    void embedded_backward(const Batch&);
    BlockActs& acts_of(int layer) { return acts_[purpose_.recompute || !purpose_.training ? 0 : size_t(layer)]; }
    Tensor stream_after(int layer) { return stream_[purpose_.training ? size_t(layer + 1) : 0]; }

    Purpose purpose_;
    DecoderWeights w_, d_w_;
    std::deque<BlockActs> acts_;  // one for each layer, or one for all
    std::deque<Tensor> stream_;   // [n,C]  x₀ … x_L, or one for all
    BlockScratch scratch_;
    HeadScratch head_;
    NormActs norm_;
    Tensor normed_, d_normed_;  // [N,C]
    Tensor d_x_;                // [n,C]
    Tensor rope_table_, matmul_workspace_;

    struct Cache {  // generation
        Arena arena;
        std::vector<AttentionCache> layer;
        BlockActs acts;
        BlockScratch scratch;
        Tensor x, normed, picked, own_logits;
        explicit Cache(const Ops& ops) : arena(ops, "key-value cache") {}
    };
    std::unique_ptr<Cache> cache_;
};

}  // namespace gradus
