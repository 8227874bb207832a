#pragma once
// What the ranks of a mesh exchange in a step: gradients before the update, weights after it, and the norm.
//
//   dp   each rank has the gradient of its own samples; they are summed. Sharded (ZeRO-1), rank r gets part r of each
//        bucket's sum and updates that part of the weights, and the parts are gathered: each rank sends as many bytes as for
//        the sum, and masters and moments take 1/dp of the memory.
//   tp   of a weight that every rank holds (norms, output biases, positions, key/value heads that several ranks share),
//        each rank has the part of the gradient that its own rows or heads give; they are summed.
//
// Sums over dp come first, one bucket at a time, last bucket first, as backward completes them. They run on a stream of
// their own, which waits for the kernels that fill a bucket; the kernels wait for it before the norm. So a Comm that works
// on a stream overlaps the exchange with the backward of the remaining layers. With one rank everything here is empty.
//
// Ranks that hold the same weight must end with the same bits, and so with one gradient, one norm and one verdict. Two
// groups may add the same numbers in different orders (engine/comm.h), so a sum over dp alone differs between ranks of tp,
// and a sum over tp between ranks of dp. Therefore tp comes last, and where ranks of dp hold the result as well, they take
// that of the first one. Source: Rajbhandari et al. 2020 (ZeRO).
#include <vector>

#include "engine/mesh.h"
#include "engine/parameters.h"

namespace gradus {

class Exchange {
public:
    using Range = Arena::Range;

    // Of parameters that train, whose buckets can be cut into a part for each rank of dp where it is sharded.
    Exchange(Parameters&, const Mesh&, bool sharded);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    bool sharded() const { return sharded_; }
    // The elements of a bucket that this rank updates.
    Range own(size_t bucket) const;

    // Before the update, for each bucket: its own() gradients become those of the whole batch. They are there, for work of
    // the compute stream, after norm().
    void sum_gradients(size_t bucket);
    // total [1] f64 = Σ squares of the whole gradient, each weight counted once: the same bits on every rank. parts is room
    // for SquareSum.
    void norm(Tensor total, Tensor parts);
    // After the update: each bucket of `whole`, an arena's flat tensor, from the parts that the ranks own. `own_parts` are
    // this rank's, one after the other, or with `whole` itself those that lie in it.
    void gather(Tensor whole, Tensor own_parts);
    size_t bytes() const { return shared_.bytes(); }

private:
    struct Repeated {  // elements that this rank and its neighbours hold, and others hold different ones of
        Range range;
        int holder, holders;  // this rank's place among those with different ones
    };
    struct Bucket {
        Range whole;
        std::vector<Range> replicated;  // of own(): on every rank of tp
        std::vector<Repeated> repeated;
        std::vector<Range> counted;  // of own(): what this rank adds to the norm
    };
    void sum_over_tp(const Bucket&);
    void from_first_of_dp(Tensor);

    const Runtime& runtime() const { return parameters_.runtime; }

    Parameters& parameters_;
    Comm dp_;
    bool sharded_;
    Stream comm_stream_;  // of the sums over dp
    Event mark_;          // in one of the two streams, for the other to wait for
    Arena shared_;
    Tensor workspace_;  // for the shared elements of one weight, from every holder
    std::vector<Bucket> buckets_;
};

}  // namespace gradus
