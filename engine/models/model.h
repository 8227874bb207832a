#pragma once
// Model: the interface to the architecture. It turns a batch into final hidden states, and their gradient into
// gradients of its weights. Heads (engine/heads) and objectives are separate.
//
// A model declares its weights in a Parameters and its activations in an arena, both given to its constructor; it owns
// no memory. After allocate() of both, ready() fills the tables that do not train.
#include <memory>

#include "engine/batch.h"
#include "engine/parameters.h"
#include "engine/run.h"

namespace gradus {

struct BatchShape {  // the largest micro-batch
    int B = 1, T = 1;
};

struct Mode {
    bool training = false;   // allocate gradients, and keep activations for backward
    bool recompute = false;  // keep only each block's input; backward runs the block again
    int parts = 1;           // every bucket of weights and gradients is divisible into this many parts
    // Replay repeated work on devices that can (engine/replays.h). Not with tp: its communication is not captured.
    bool graphs = false;

    bool captures(const Ops& ops, const Comm& tp) const { return graphs && ops.has_graphs() && tp.size == 1; }
};

// Keys and values of sequences that are being generated, with the activations of a call. Made by a model, for that
// model.
class KvCache {
public:
    virtual ~KvCache() = default;
    size_t bytes() const { return arena.bytes(); }

protected:
    explicit KvCache(const Ops& ops) : arena(ops, "key-value cache") {}
    Arena arena;
};

class Model {
public:
    virtual ~Model() = default;
    virtual void ready() = 0;

    // The final hidden states [N,C] of the batch's rows, after the final norm; all rows on every rank of tp. Valid
    // until the next forward().
    virtual Tensor forward(const Batch&) = 0;
    // Accumulates gradients, from d_hidden [N,C], the gradient of the last forward()'s result; with tp, d_hidden is
    // each rank's partial sum. Overwrites d_hidden. Gradients of weights that every rank of tp has are partial sums,
    // which engine/exchange.h adds.
    virtual void backward(const Batch&, Tensor d_hidden, const BucketDone& done = {}) = 0;

    // Generation: a cache of S sequences of at most P positions, each call at most `rows` rows.
    virtual std::unique_ptr<KvCache> make_cache(int S, int P, int rows) const = 0;
    // Runs the rows and appends their keys and values to the cache. Returns the final hidden states [k,C] of the rows
    // that `wanted` [k] (i32) lists, all of them on every rank; valid until the next call. `wanted` may be empty.
    virtual Tensor forward_cached(KvCache&, const CachedRows&, Tensor wanted) const = 0;

    // The token embedding, which a tied head shares.
    virtual WeightRef token_embedding() = 0;
};

// Error if this model's heads, features or vocabulary, or the rows of a micro-batch, are not divisible by the ranks of
// tp.
void require_divisible(const ModelConfig&, int rows, int tp);

// The model of the config's family.
std::unique_ptr<Model> make_model(const Run&, const Mode&, Parameters&, Arena& activations);

}  // namespace gradus
