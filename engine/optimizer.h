#pragma once
// AdamW over the model's arenas, or Muon for the matrices inside blocks and AdamW for the rest. Weight decay pulls on
// matrices only; since an arena holds the matrices of a bucket before its vectors, an AdamW step is two calls for each
// bucket. The mathematics: kernels/optimizer.h, kernels/muon.h.
//
// Where the model computes in bf16 the optimizer keeps f32 masters, and writes the rounded weights back; in f32 the
// model's own weights are the masters.
#include "engine/models/model.h"

namespace gradus {

enum class OptimizerKind { adamw, muon };

struct OptimizerConfig {
    OptimizerKind kind = OptimizerKind::adamw;
    double beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weight_decay = 0.1;
    double momentum = 0.95;  // of Muon
    double clip = 1.0;       // largest global norm of the gradient; 0: never clipped
    bool stochastic_rounding = false;
    uint64_t seed = 0;
};

class Optimizer {
public:
    Optimizer(Model&, const OptimizerConfig&);

    // One update from model.grads; step counts from 0. The norm before clipping is in norm() after the stream is idle.
    void step(int64_t step, double lr);
    double norm();

    // After weights were set from outside (initialise, a checkpoint): masters take their values.
    void masters_from_weights();
    // After masters were set from a checkpoint: weights take their rounded values.
    void weights_from_masters();

    // What a checkpoint holds of model.weights()[i], in the weight's shape. Empty: the master where the weight itself is
    // the master, and v where Muon updates it.
    struct State {
        Tensor master, m, v;
    };
    State state_of(size_t i) const { return states_[i]; }
    // Of all that the optimizer keeps, workspace included.
    size_t bytes() const { return masters_.bytes() + m_.bytes() + v_.bytes() + scalars_.bytes(); }

private:
    struct Range {  // neighbours that AdamW updates in one call
        int64_t first, count;
        int64_t first_v;  // v has no gaps where Muon's matrices would be
        bool decayed;
    };
    bool is_muons(const Weight&) const;
    void plan();

    Model& model_;
    OptimizerConfig config_;
    Arena masters_, m_, v_, scalars_;
    std::vector<State> states_;
    std::vector<Range> ranges_;
    std::vector<MuonMatrix> matrices_;  // a weight, or one of the matrices stacked in it
    Tensor total_, scale_, workspace_;
};

}  // namespace gradus
