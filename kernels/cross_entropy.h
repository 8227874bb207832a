#pragma once
// Cross-entropy of logits against targets, in steps so that the vocabulary may be split over ranks: statistics of the
// classes of one rank, their combination over the ranks, the loss from the combined statistics, and the gradient, which
// overwrites the logits. With x[n,v] = z[n,v] / τ, the logits at temperature τ:
//
//   stats      max[n]          = max_v x[n,v]             sum_exp[n]   = Σ_v exp(x[n,v] − max[n])
//              target_logit[n] = x[n, target[n]] or 0     logit_sum[n] = Σ_v x[n,v]
//   join       max = max_r max_r              sum_exp   = Σ_r sum_exp_r · exp(max_r − max)
//              target_logit = Σ_r target_logit_r          logit_sum = Σ_r logit_sum_r
//   forward    lse[n]      = max[n] + log sum_exp[n]
//              loss[n]     = lse − (1 − ε)·target_logit − ε·logit_sum/V + ζ·lse²
//              log_prob[n] = target_logit − lse
//   backward   d_z[n,v]    = scale·loss_scale·coefficient[n]/τ · ( exp(x[n,v] − lse[n])·(1 + 2ζ·lse[n]) − (1 − ε)·[v = target[n]] − ε/V )
//
// cross_entropy is stats, forward and backward in one op, for logits of all V classes: a row is read from memory once, and its
// gradient written once.
//
// ε is label smoothing (uniform over all V classes, as in PyTorch; the sum of logits does not matter if ε = 0), ζ the weight of the z-loss. A target below 0 is ignored:
// loss, log_prob and gradient of its row are 0. scale is a constant of the call. loss_scale is 1 / (number of targets of the
// global batch), one of the step's values (kernels/step_values.h).
//
// Policy losses (PPO, GRPO, DPO, …) are functions of log_prob[n], the log-probability of each target. With ε = ζ = 0 the
// loss is −log_prob, so a policy loss J has the gradient of cross-entropy with coefficient[n] = −∂J/∂log_prob[n]. A row
// whose coefficient is 0 has a gradient of exactly 0 for any logits, NaN included.
//
// logits may be a view with a row stride (Tensor::row_stride), as with a padded vocabulary: elements between the rows are
// neither read nor written.
//
// The full [N,V] is never stored: the engine processes the rows in chunks. Memory bound: stats read the logits once, backward and
// cross_entropy read and write them once. Sources: Szegedy et al. 2016 (smoothing); Chowdhery et al. 2022 (z-loss).
#include "kernels/step_values.h"
#include "kernels/tensor.h"

namespace gradus {

struct CrossEntropyStats {
    Out stats;   // [N,4]   max, sum_exp, target_logit, logit_sum; accumulator dtype
    In logits;   // [N,Vr]  view: z of the classes [vocab_offset, vocab_offset + Vr)
    In targets;  // [N]     i32
    int64_t vocab_offset = 0;
    double temperature = 1;  // τ, above 0
};

struct CrossEntropyJoin {
    Out stats;  // [N,4]
    In parts;   // [R·N,4]  the statistics of R ranks in order, added in this order
};

struct CrossEntropyForward {
    Out loss, lse;  // [N]     accumulator dtype
    Opt log_prob;   // [N]     written; accumulator dtype
    In stats;       // [N,4]   joined over the ranks, at temperature τ
    In targets;     // [N]     i32
    int64_t V;      // classes of all ranks
    double smoothing = 0, z_loss = 0;
};

struct CrossEntropyBackward {
    Acc logits;       // [N,Vr]  view: z becomes d_z
    In lse;           // [N]     of forward, at the same temperature
    In targets;       // [N]     i32
    Opt coefficient;  // [N]     accumulator dtype; absent: 1
    int64_t V, vocab_offset = 0;
    double scale = 1;
    const StepValues* step_values = nullptr;  // on the device: loss_scale; absent: 1
    double smoothing = 0, z_loss = 0;
    double temperature = 1;  // τ, above 0
};

struct CrossEntropy {
    Acc logits;       // [N,V]   view: z becomes d_z
    Out loss, lse;    // [N]     accumulator dtype
    Opt log_prob;     // [N]     written; accumulator dtype
    In targets;       // [N]     i32
    Opt coefficient;  // [N]     accumulator dtype; absent: 1
    double scale = 1;
    const StepValues* step_values = nullptr;  // on the device: loss_scale; absent: 1
    double smoothing = 0, z_loss = 0;
    double temperature = 1;  // τ, above 0
};

// scale · loss_scale, for backends that compute on the host.
inline double scale_of(const CrossEntropyBackward& a) {
    return a.step_values ? a.scale * a.step_values->loss_scale : a.scale;
}

// The backward that is part of cross_entropy.
inline CrossEntropyBackward backward_of(const CrossEntropy& a) {
    return {.logits = a.logits,
            .lse = a.lse,
            .targets = a.targets,
            .coefficient = a.coefficient,
            .V = a.logits.last(),
            .scale = a.scale,
            .step_values = a.step_values,
            .smoothing = a.smoothing,
            .z_loss = a.z_loss,
            .temperature = a.temperature};
}

inline Cost cost(const CrossEntropyStats& a) { return {double(a.logits.bytes()), 4.0 * double(a.logits.size())}; }
inline Cost cost(const CrossEntropyJoin& a) { return {double(a.parts.bytes()), 3.0 * double(a.parts.size())}; }
inline Cost cost(const CrossEntropyForward& a) { return {double(a.stats.bytes()), 8.0 * double(a.loss.size())}; }
inline Cost cost(const CrossEntropy& a) { return {2.0 * double(a.logits.bytes()), 8.0 * double(a.logits.size())}; }
inline Cost cost(const CrossEntropyBackward& a) {
    return {2.0 * double(a.logits.bytes()), 4.0 * double(a.logits.size())};
}

}  // namespace gradus
