#pragma once
// Parameters: a list of weights with the memory of their values and gradients. The optimizer, the exchange between
// ranks and checkpoints work on it, for a model with any head or for two models at once.
//
// The part that owns a weight declares it; then allocate() allocates all memory at once. Arenas of values, gradients
// and optimizer state have one layout (engine/arena.h): element i of one belongs to element i of the others.
#include <functional>
#include <string>
#include <vector>

#include "engine/runtime.h"
#include "engine/spec.h"

namespace gradus {

struct Weight {
    std::string name;
    Spec spec;
    int bucket;
    Spec whole;                       // on one rank
    std::vector<WeightSlice> slices;  // this rank's part
    int64_t first = 0;                // element of its arena
    Tensor value = {};
    Tensor grad = {};  // accumulator dtype; empty without training
};

// Called in backward when all gradients of a bucket are complete, last bucket first.
using BucketDone = std::function<void(int bucket)>;

struct WeightRef {  // set by allocate()
    Tensor& value;
    Tensor& grad;
};

class Parameters {
public:
    explicit Parameters(const Runtime&);

    // `here` is the weight on this rank of tp, `whole` on one rank. A bucket is the unit of exchange between ranks of
    // dp: weights whose gradients backward completes together; backward completes the highest bucket first.
    void declare(const std::string& name, WeightRef, const Spec& here, const Spec& whole, int bucket);
    // Values are zero until initialise() or a checkpoint fills them. Every bucket is divisible into `parts` equal
    // parts.
    void allocate(bool training, int parts = 1);

    // Zeroes all gradients, or all but those that the linears of the next backward pass overwrite (Spec::overwritten).
    void zero_gradients(bool overwritten_too);

    std::vector<Weight> declared() const;                // before allocate(), in the order of declaration
    std::vector<Weight>& weights() { return weights_; }  // after allocate(): in the order of their memory
    const std::vector<Weight>& weights() const { return weights_; }

    const Runtime runtime;
    Arena values, grads;

private:
    struct Declared {
        Weight weight;
        WeightRef ref;
    };
    std::vector<Declared> declared_;
    std::vector<Weight> weights_;
};

// Copies the values of the weights that both have, by name; a weight that `from` lacks is unchanged. Both are on the
// same ranks and device and of one dtype. An optimizer on `to` must then call Optimizer::masters_from_weights().
void copy_values(Parameters& to, const Parameters& from);

}  // namespace gradus
