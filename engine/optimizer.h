#pragma once
// AdamW over the arenas of a Parameters, or Muon for the matrices inside blocks and AdamW for the rest. Weight decay
// applies to matrices only; an arena holds the matrices of a bucket before its vectors, so AdamW updates two ranges
// for each bucket, all in one call. The mathematics: kernels/optimizer.h, kernels/muon.h.
//
// In bf16 the optimizer keeps f32 masters and writes rounded weights; in f32 the model's weights are the masters. Muon's
// matmuls are in the dtype of the model.
//
// With a decay for it, the optimizer also keeps an exponential moving average of the weights, in full precision: after each update
// average += (1 − decay) · (weight − average), from the weights before the first update on. It is state like the moments.
//
// Sharded over data-parallel ranks (engine/exchange.h), it keeps and updates this rank's part of each bucket.
#include "engine/exchange.h"
#include "engine/settings/optimizer.h"
#include "kernels/muon.h"
#include "kernels/optimizer.h"

namespace gradus {

enum class OptimizerKind { adamw, muon };
OptimizerKind optimizer_named(const std::string&);  // as optimizer.kind names it

// Where AdamW adds eps. torch: √(v/(1 − β₂ᵗ)) + eps. tensorflow: √v + eps, before the correction, so that the first updates are
// smaller: by the same formula, eps/√(1 − β₂ᵗ).
enum class EpsForm { torch, tensorflow };

struct OptimizerConfig {
    OptimizerKind kind = optimizer_named(OptimizerSettings{}.kind);
    double beta1 = OptimizerSettings{}.beta1, beta2 = OptimizerSettings{}.beta2, eps = OptimizerSettings{}.eps,
           weight_decay = OptimizerSettings{}.weight_decay;
    EpsForm eps_form = EpsForm::torch;
    double momentum = OptimizerSettings{}.momentum;  // for Muon
    double clip = OptimizerSettings{}.clip;          // largest global norm of the gradient; 0: no clipping
    bool stochastic_rounding = OptimizerSettings{}.stochastic_rounding;
    bool sharded = OptimizerSettings{}.sharded;  // over the ranks of dp; not Muon, which needs whole matrices
    uint64_t seed = 0;
    double average = OptimizerSettings{}.average;  // decay of the moving average; 0: none
};

class Optimizer {
public:
    Optimizer(Parameters&, const OptimizerConfig&, const Mesh& = {});

    // The step values (engine/step_memory.h) for the update of step `step`, from 0.
    StepValues step_values(int64_t step, double lr) const;

    // The steps of an update, all asynchronous except for a blocking Comm (engine/comm_staged.h): sum each bucket's
    // gradients over the ranks; compute the square of the norm before clipping (f64 [1], on the device); and, unless
    // the step is skipped, update the weights.
    void sum_gradients(int bucket) { exchange_.sum_gradients(size_t(bucket)); }
    Tensor squared_norm();
    void update(int64_t step);

    // After weights were set (initialise(), a checkpoint): copies them to the masters.
    void masters_from_weights();
    // After masters were set from a checkpoint: rounds them to the weights.
    void weights_from_masters();

    // The optimizer state of a weight, as saved in checkpoints.
    enum class State { master, m, v, average };
    // Whether parameters.weights()[i] has that state: no master if the weight itself is the master, no v if Muon
    // updates it, no average without a decay.
    bool has(State, size_t i) const;
    DType state_dtype() const { return parameters_.runtime.accumulator(); }

    // A state of every weight, in the weight's shape on this rank of tp. If sharded, the parts of all ranks of dp are
    // gathered in the memory of the gradients while this object exists: only one at a time, and no step meanwhile.
    class StateAccess {
    public:
        ~StateAccess() { optimizer_.accessed_ = false; }
        StateAccess(const StateAccess&) = delete;
        StateAccess& operator=(const StateAccess&) = delete;

        Tensor of(size_t i) const;  // empty where !has()
        // After of() was filled for every weight: stores this rank's part.
        void store();

    private:
        friend class Optimizer;
        StateAccess(Optimizer& o, State s) : optimizer_(o), state_(s) {}
        Optimizer& optimizer_;
        State state_;
    };
    StateAccess read(State);   // gathered from the ranks of dp, all of which call it
    StateAccess write(State);  // uninitialised, to be filled
    bool sharded() const { return exchange_.sharded(); }

    // Everything the optimizer allocates, workspace included.
    size_t bytes() const { return master_bytes() + moment_bytes() + scalars_.bytes() + exchange_.bytes(); }
    // Only masters; only moments, with the average.
    size_t master_bytes() const { return masters_.bytes(); }
    size_t moment_bytes() const { return m_.bytes() + v_.bytes() + average_.bytes(); }
    size_t average_bytes() const { return average_.bytes(); }

private:
    bool uses_muon(const Weight&) const;
    void plan();
    void allocate();
    const Runtime& runtime() const { return parameters_.runtime; }
    void take_own_parts(Tensor own_parts, Tensor whole);
    const Tensor& arena_of(State) const;
    StateAccess access(State);
    void begin_average();
    void update_average();

    Parameters& parameters_;
    OptimizerConfig config_;
    Exchange exchange_;
    Arena masters_, m_, v_, average_, scalars_;
    Tensor all_masters_, all_m_, all_v_, all_average_;  // flat
    std::vector<int64_t> first_v_;                      // of each weight; −1: none
    // What AdamW updates. Masters and m_ have all of this rank's elements; v has no gaps where Muon's matrices would be.
    std::vector<AdamWRange> ranges_;
    std::vector<MuonMatrix> matrices_;  // a weight, or one of the matrices stacked in it
    Tensor total_, parts_, scale_, workspace_;
    bool accessed_ = false;       // by a StateAccess
    bool average_began_ = false;  // at the weights, or at a loaded average
};

}  // namespace gradus
