#pragma once
// Model: the one seam to the architecture. It turns a batch into final hidden states, and their gradient into gradients of its
// weights. What is predicted from hidden states belongs to a head (engine/heads), what is minimised to an objective.
//
// A model declares its weights in a Parameters and its activations in an arena, both given to its constructor; it owns no
// memory. After allocate() of both, ready() fills the tables that do not train.
#include <memory>

#include "engine/batch.h"
#include "engine/parameters.h"
#include "engine/run.h"

namespace gradus {

struct BatchShape {  // the largest micro-batch
    int B = 1, T = 1;
};

struct Mode {
    bool training = false;   // gradients, and activations kept for backward
    bool recompute = false;  // keep only each block's input; backward runs the block again
    int parts = 1;           // every bucket of weights and gradients can be cut into so many equal parts
};

// Keys and values of sequences that are being generated, and what a call needs beside them. Made by a model, for that model.
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

    // The final hidden states [N,C] of the batch's rows, after the last norm; all rows on every rank of tp. They stay until the next
    // forward().
    virtual Tensor forward(const Batch&) = 0;
    // grads += the gradient, from d_hidden [N,C], that of the last forward()'s result; on ranks of tp d_hidden is each rank's part of a
    // sum. d_hidden is overwritten. Gradients of weights that every rank of tp holds are parts of a sum, which engine/exchange.h makes.
    virtual void backward(const Batch&, Tensor d_hidden, const BucketDone& done = {}) = 0;

    // Generation: a cache of S sequences of at most P positions, each call at most `rows` rows.
    virtual std::unique_ptr<KvCache> make_cache(int S, int P, int rows) const = 0;
    // Runs the rows and appends their keys and values to the cache. Returns the final hidden states [k,C] of the rows that `wanted` [k]
    // (i32) lists, all of them on every rank; they stay until the next call. `wanted` may be empty.
    virtual Tensor forward_cached(KvCache&, const CachedRows&, Tensor wanted) const = 0;

    // The embedding of the tokens, which a tied head shares.
    virtual WeightRef token_embedding() = 0;
};

// Error where the ranks of tp cannot divide this model's heads, features or vocabulary, or the rows of a micro-batch.
void require_divisible(const ModelConfig&, int rows, int tp);

// The model of the config's family.
std::unique_ptr<Model> make_model(const Run&, const Mode&, Parameters&, Arena& activations);

}  // namespace gradus
