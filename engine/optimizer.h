#pragma once
// AdamW over the arenas of a Parameters, or Muon for the matrices inside blocks and AdamW for the rest. Weight decay applies to
// matrices only; since an arena holds the matrices of a bucket before its vectors, an AdamW step is two calls for each
// bucket. The mathematics: kernels/optimizer.h, kernels/muon.h.
//
// Where the model computes in bf16 the optimizer keeps f32 masters, and writes the rounded weights back; in f32 the
// model's own weights are the masters.
//
// Sharded over data-parallel ranks (engine/exchange.h), it keeps and updates this rank's part of each bucket.
#include "engine/exchange.h"
#include "engine/settings/optimizer.h"
#include "kernels/muon.h"

namespace gradus {

enum class OptimizerKind { adamw, muon };
OptimizerKind optimizer_named(const std::string&);  // as optimizer.kind names it

struct OptimizerConfig {
    OptimizerKind kind = optimizer_named(OptimizerSettings{}.kind);
    double beta1 = OptimizerSettings{}.beta1, beta2 = OptimizerSettings{}.beta2, eps = OptimizerSettings{}.eps,
           weight_decay = OptimizerSettings{}.weight_decay;
    double momentum = OptimizerSettings{}.momentum;  // of Muon
    double clip = OptimizerSettings{}.clip;          // largest global norm of the gradient; 0: never clipped
    bool stochastic_rounding = OptimizerSettings{}.stochastic_rounding;
    bool sharded = OptimizerSettings{}.sharded;  // over the ranks of dp; not Muon, which needs whole matrices
    uint64_t seed = 0;
};

class Optimizer {
public:
    Optimizer(Parameters&, const OptimizerConfig&, const Mesh& = {});

    // What an update of step `step`, counted from 0, reads of the step's values (engine/step_memory.h).
    StepValues step_values(int64_t step, double lr) const;

    // The steps of an update. None waits, but for what a Comm does (engine/comm_staged.h). First each bucket's gradients are those
    // of the whole batch, then the square of their norm before clipping is made (f64 [1], on the device), and then, or not, the
    // weights move.
    void sum_gradients(int bucket) { exchange_.sum_gradients(size_t(bucket)); }
    Tensor squared_norm();
    void update();

    // After weights were set from outside (initialise, a checkpoint): masters take their values.
    void masters_from_weights();
    // After masters were set from a checkpoint: weights take their rounded values.
    void weights_from_masters();

    // What a checkpoint holds of each weight beside its value.
    enum class State { master, m, v };
    // Whether it holds that of parameters.weights()[i]: no master where the weight itself is the master, no v where Muon updates it.
    bool has(State, size_t i) const;
    DType state_dtype() const { return parameters_.runtime.accumulator(); }

    // That state of every weight, in the weight's shape on this rank of tp. Sharded, the parts of all ranks of dp lie in the memory of
    // the gradients for as long as this object lives: there is one at a time, and no step meanwhile.
    class StateAccess {
    public:
        ~StateAccess() { optimizer_.accessed_ = false; }
        StateAccess(const StateAccess&) = delete;
        StateAccess& operator=(const StateAccess&) = delete;

        Tensor of(size_t i) const;  // empty where !has()
        // After of() every weight was filled: this rank takes its part.
        void store();

    private:
        friend class Optimizer;
        StateAccess(Optimizer& o, State s) : optimizer_(o), state_(s) {}
        Optimizer& optimizer_;
        State state_;
    };
    StateAccess read(State);   // gathered from the ranks of dp, all of which call
    StateAccess write(State);  // of any content, to be filled
    bool sharded() const { return exchange_.sharded(); }

    // Of all that the optimizer keeps, workspace included.
    size_t bytes() const { return masters_.bytes() + m_.bytes() + v_.bytes() + scalars_.bytes() + exchange_.bytes(); }
    // Of masters and of moments alone.
    size_t master_bytes() const { return masters_.bytes(); }
    size_t moment_bytes() const { return m_.bytes() + v_.bytes(); }

private:
    struct Range {  // neighbours that AdamW updates in one call
        int64_t first, count;
        int64_t first_m;  // in masters_ and m_: all that is this rank's
        int64_t first_v;  // v has no gaps where Muon's matrices would be
        bool decayed;
    };
    bool is_muons(const Weight&) const;
    void plan();
    void allocate();
    const Runtime& runtime() const { return parameters_.runtime; }
    void take_own_parts(Tensor own_parts, Tensor whole);
    const Tensor& arena_of(State) const;
    StateAccess access(State);

    Parameters& parameters_;
    OptimizerConfig config_;
    Exchange exchange_;
    Arena masters_, m_, v_, scalars_;
    Tensor all_masters_, all_m_, all_v_;  // flat
    std::vector<int64_t> first_v_;        // of each weight; −1: none
    std::vector<Range> ranges_;
    std::vector<MuonMatrix> matrices_;  // a weight, or one of the matrices stacked in it
    Tensor total_, parts_, scale_, workspace_;
    bool accessed_ = false;  // by a StateAccess
};

}  // namespace gradus
