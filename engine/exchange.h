#pragma once
// What the ranks of a mesh exchange in a step: gradients before the update, weights after it, and the norm.
//
//   tp   a weight that every rank holds (norms, biases of outputs, positions, key/value heads that several ranks share):
//        each rank has the part of the gradient that its own rows or heads give; they are summed.
//   dp   each rank has the gradient of its own samples; they are summed. Sharded (ZeRO-1), rank r gets part r of each
//        bucket's sum, updates that part of the weights, and the parts are gathered: as many bytes as the sum on every rank
//        costs, and masters and moments take 1/dp of the memory.
//
// One bucket at a time, last first, as backward finishes them. The sums over dp have a stream of their own: it comes to a
// bucket when the kernels have filled it, and the kernels wait for it before the norm, so a Comm that works beside them hides
// the exchange behind the layers that are still to come. With one rank everything here is empty.
// Source: Rajbhandari et al. 2020 (ZeRO).
#include <vector>

#include "engine/mesh.h"
#include "engine/models/model.h"

namespace gradus {

class Exchange {
public:
    using Range = Arena::Range;

    // Of a model that trains, whose Purpose has parts = the ranks of dp where it is sharded.
    Exchange(Model&, const Mesh&, bool sharded);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    bool sharded() const { return sharded_; }
    // The elements of a bucket that this rank updates.
    Range own(size_t bucket) const;

    // Before the update, for each bucket: its own() gradients become those of the whole batch. They are there, for work of
    // the model's stream, after norm().
    void sum_gradients(size_t bucket);
    // total [1] f64 = Σ squares of the whole gradient, each weight counted once: the same number on every rank. parts is
    // room for SquareSum.
    void norm(Tensor total, Tensor parts);
    // After the update: each bucket of `whole`, an arena's flat tensor, from the parts that the ranks own. `own_parts` are
    // this rank's, one after the other, or with `whole` itself those that lie in it.
    void gather(Tensor whole, Tensor own_parts);
    size_t bytes() const { return shared_.bytes(); }

private:
    struct Repeated {  // rows of a weight that this rank and its neighbours hold
        Tensor grad;
        int64_t first;    // in the room for all of them
        int64_t holders;  // groups of ranks with different ones
    };
    struct Bucket {
        Range whole;
        std::vector<Range> replicated;
        std::vector<Repeated> repeated;
        std::vector<Range> counted;  // of own(): what this rank adds to the norm
    };

    Model& model_;
    Comm dp_;
    bool sharded_;
    Stream beside_;  // of the sums over dp
    Event mark_;     // in one of the two streams, for the other to wait for
    Arena shared_;
    Tensor all_;  // room for the shared rows of one weight, from every rank
    std::vector<Bucket> buckets_;
};

}  // namespace gradus
