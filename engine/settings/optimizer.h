#pragma once
// The optimizer and the schedule of its learning rate.
#include <string>

#include "engine/base/settings.h"
#include "engine/settings/limits.h"

namespace gradus {

struct OptimizerSettings {
    static constexpr const char* section = "optimizer";

    std::string kind = "adamw";
    double lr = 3e-4, min_lr = 3e-5;
    std::string schedule = "cosine";
    double warmup = 0, cooldown = 0;
    double beta1 = 0.9, beta2 = 0.95, eps = 1e-8, momentum = 0.95, weight_decay = 0.1, clip = 1;
    double average = 0;
    std::string eps_form = "torch";
    bool stochastic_rounding = false, sharded = true;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // Above the root of the smallest f32: where a second moment underflows to zero, so does the update.
        constexpr double least_eps = 1e-20;
        // clang-format off
        visit("kind", kind, one_of({{"adamw", {"adam"}}, {"muon"}}), fixed,
              "muon: orthogonalised momentum for the matrices inside blocks, AdamW for the rest",
              {"optim", "optimizer"});
        visit("lr", lr, between(0, 100), fixed,
              "peak learning rate",
              {"learning_rate", "max_lr"});
        visit("min_lr", min_lr, between(0, 100), fixed,
              "learning rate at the end of the schedule",
              {"min_learning_rate", "final_learning_rate"});
        visit("schedule", schedule,
              one_of({{"constant", {"flat", "none"}},
                      {"cosine", {"cos"}},
                      {"linear"},
                      {"wsd", {"trapezoidal", "warmup_stable_decay"}}}), fixed,
              "decay of the learning rate after warm-up; wsd: flat, then linear over the last optimizer.cooldown steps",
              {"lr_scheduler", "lr_scheduler_type", "lr_decay_style", "scheduler"});
        visit("warmup", warmup, between(0, largest_count), fixed,
              "warm-up steps; below 1: share of all steps. A resumed run must have the same number of steps",
              {"warmup_steps", "warmup_iters", "warmup_iterations", "warmup_ratio"});
        visit("cooldown", cooldown, between(0, largest_count), fixed,
              "wsd: steps of linear decay at the end; below 1: share of all steps");
        visit("beta1", beta1, between(0, 0.99999), fixed,
              "AdamW: decay of the first moment",
              {"adam_beta1"});
        visit("beta2", beta2, between(0, 0.999999), fixed,
              "AdamW: decay of the second moment",
              {"adam_beta2"});
        visit("eps", eps, between(least_eps, 1), fixed,
              "AdamW: added to the square root of the second moment",
              {"adam_epsilon", "epsilon"});
        visit("eps_form", eps_form, one_of({{"torch", {"pytorch"}}, {"tensorflow", {"tf"}}}), fixed,
              "AdamW: torch adds eps after the moment's bias is corrected, tensorflow before, which makes the first "
              "updates smaller");
        visit("momentum", momentum, between(0, 0.99999), fixed,
              "Muon: decay of the momentum");
        visit("weight_decay", weight_decay, between(0, 100), fixed,
              "decoupled weight decay, on matrices only",
              {"wd", "decay"});
        visit("clip", clip, between(0, 1e9), fixed,
              "largest global norm of the gradient; 0: no clipping",
              {"grad_clip", "clip_grad", "max_grad_norm"});
        visit("average", average, between(0, 0.9999999), fixed,
              "decay of a moving average of the weights, which is saved as the folder averaged of each checkpoint, such as "
              "0.999; 0: none",
              {"ema", "ema_decay"});
        visit("stochastic_rounding", stochastic_rounding, Limits{}, fixed,
              "bf16 with AdamW: stochastic rounding of the weights instead of to nearest");
        visit("sharded", sharded, Limits{}, free,
              "masters and moments are sharded over mesh.dp (ZeRO-1); false: replicated on every rank, as always with "
              "muon",
              {"zero", "zero_stage"});
        // clang-format on
    }
};

}  // namespace gradus
