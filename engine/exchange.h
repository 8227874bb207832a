#pragma once
// Communication of a step between the ranks of a mesh: gradients before the update, weights after it, and the norm.
//
//   dp   each rank has the gradient of its own samples; they are summed. Sharded (ZeRO-1), rank r gets part r of each
//        bucket's sum and updates that part of the weights, and the parts are gathered: each rank sends as many bytes
//        as in an all-reduce, and masters and moments take 1/dp of the memory.
//   tp   for a weight that every rank has (norms, output biases, positions, key/value heads that several ranks share),
//        each rank has the contribution of its own rows or heads to the gradient; they are summed.
//
// Sums over dp come first, one bucket at a time, last bucket first, as backward completes them. They run on their own
// stream, which waits for the kernels that fill a bucket; the compute stream waits for it before the norm. So a Comm
// that works on a stream overlaps the exchange with the backward of the remaining layers. With one rank nothing here
// does any work.
//
// Ranks that have the same weight must get the same bits, and therefore the same gradient, norm and verdict. Two groups
// may add the same numbers in different orders (engine/comm.h), so a sum over dp may differ between ranks of tp, and a
// sum over tp between ranks of dp. Therefore tp comes last, and if ranks of dp also have the result, the first one
// broadcasts its own. Source: Rajbhandari et al. 2020 (ZeRO).
#include <vector>

#include "engine/mesh.h"
#include "engine/parameters.h"

namespace gradus {

class Exchange {
public:
    using Range = Arena::Range;

    // For trainable parameters. If sharded, every bucket must be divisible into a part for each rank of dp.
    Exchange(Parameters&, const Mesh&, bool sharded);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    bool sharded() const { return sharded_; }
    // The elements of a bucket that this rank updates.
    Range own(size_t bucket) const;

    // Before the update, for each bucket: its own() gradients become those of the whole batch. Work on the compute
    // stream may read them after norm().
    void sum_gradients(size_t bucket);
    // total [1] f64 = Σ squares of the whole gradient, each weight counted once: the same bits on every rank. parts:
    // workspace of SquareSum.
    void norm(Tensor total, Tensor parts);
    // After the update: all-gathers each bucket of `whole`, an arena's flat tensor, from the parts that the ranks own.
    // `own_parts` has this rank's parts, one after the other; or it is `whole` itself, with the parts in place.
    void gather(Tensor whole, Tensor own_parts);
    size_t bytes() const { return shared_.bytes(); }

private:
    struct SharedHead {  // elements of a shared key/value head, which this rank and its neighbours have
        Range range;
        int head, heads;  // the index of this rank's head, and how many heads there are
    };
    struct Bucket {
        Range whole;
        std::vector<Range> replicated;  // of own(): the same on every rank of tp
        std::vector<SharedHead> shared_heads;
        std::vector<Range> counted;  // of own(): what this rank contributes to the norm
    };
    void sum_over_tp(const Bucket&);
    void broadcast_over_dp(Tensor);

    const Runtime& runtime() const { return parameters_.runtime; }

    Parameters& parameters_;
    Comm dp_;
    bool sharded_;
    Stream comm_stream_;  // of the sums over dp
    Event mark_;          // orders the two streams
    Arena shared_;
    Tensor workspace_;  // for the shared elements of one weight, from every rank that has them
    std::vector<Bucket> buckets_;
};

}  // namespace gradus
