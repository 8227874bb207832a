#pragma once
// Model: the one seam to the architecture. A trainer, an evaluator and a generator know nothing else of a model.
//
// A model owns its weights and, when it is made to train, their gradients; master copies and moments belong to the
// optimizer. Arenas of weights, gradients and optimizer state have one layout (engine/arena.h).
#include <deque>
#include <memory>
#include <vector>

#include "engine/batch.h"
#include "engine/layers/attention.h"
#include "engine/layers/head.h"
#include "engine/run.h"
#include "engine/spec.h"

namespace gradus {

struct Weight {
    std::string name;
    Spec spec;
    int bucket;
    Spec whole;                       // what it is on one rank
    std::vector<WeightSlice> slices;  // what this rank has of it
    int64_t first = 0;                // of its arena's elements
    Tensor value = {};
    Tensor grad = {};  // accumulator dtype; empty in a model that does not train
};

// Called in backward when all gradients of a bucket are there, last bucket first.
using BucketDone = std::function<void(int bucket)>;

// How much memory a model sets aside, and for what.
struct Purpose {
    int B = 1, T = 1;        // largest micro-batch
    bool training = false;   // gradients, and activations kept for backward
    bool recompute = false;  // keep only each block's input; backward runs the block again
    LossConfig loss = {};    // of loss_and_backward()
    int parts = 1;           // every bucket of weights and gradients can be cut into so many equal parts
};

class Model {
public:
    virtual ~Model() = default;

    const ModelConfig& config() const { return run.model; }
    std::vector<Weight>& weights() { return weights_; }  // in the order of their memory

    // losses [N] of the batch's rows: 0 where the target is ignored. LossConfig{}: plain cross-entropy.
    virtual void loss(const Batch&, Tensor losses, const LossConfig&) = 0;
    // The same under the purpose's loss, and grads += gradient of scale · Σ losses. Under tensor parallelism the losses are
    // the same on every rank, and the gradients of weights that every rank holds are parts of a sum, which
    // engine/exchange.h makes.
    virtual void loss_and_backward(const Batch&, Tensor losses, double scale, const BucketDone& done = {}) = 0;
    // All logits [N,V], on one rank: for tests and golden files, at sizes where holding them is nothing.
    virtual void logits(const Batch&, Tensor logits) = 0;

    // Generation: one cache for S sequences of at most P positions, each call at most `rows` rows. Its bytes.
    virtual size_t make_cache(int S, int P, int rows) = 0;
    // Runs the n rows through the model, appending to the cache; logits [k, V·ranks of tp] of the rows that `wanted` [k]
    // (i32) lists: the vocabulary's, then what fills up the last rank's share.
    virtual void cached(const CachedRows& rows, Tensor wanted, Tensor logits) = 0;

    Run run;
    Arena params, grads, acts;

protected:
    Model(const Run& r) : run(r), params(r.ops, "params"), grads(r.ops, "grads"), acts(r.ops, "activations") {}
    std::vector<Weight> weights_;
};

// Error where the ranks of tp cannot share out this model's heads, features or vocabulary, or the rows of a micro-batch.
void require_divisible(const ModelConfig&, int rows, int tp);

// The family's model, with memory for the purpose; the weights are zero until initialise() or a checkpoint fills them.
std::unique_ptr<Model> make_model(const Ops&, const ModelConfig&, DType, const Purpose&, Comm tp = {});

}  // namespace gradus
