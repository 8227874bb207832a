// The trainer's configuration, and checks of optimizer settings that exclude each other.
#include "engine/resolve/resolving.h"

namespace gradus {

void check_rounding(const Resolving& r) {
    if (!r.c.optimizer.stochastic_rounding) return;
    if (r.c.optimizer.kind == "muon")
        r.refuse("Muon's matrices are always rounded to the nearest",
                 {"optimizer.stochastic_rounding", "optimizer.kind"},
                 "--set optimizer.kind=adamw, or leave out optimizer.stochastic_rounding");
    if (r.c.train.dtype == "f32")
        r.refuse("f32 weights are not rounded", {"optimizer.stochastic_rounding", "train.dtype"},
                 "--set train.dtype=bf16, or leave out optimizer.stochastic_rounding");
}

TrainerConfig trainer_config(const Config& c, int64_t micro_batch) {
    const OptimizerSettings& o = c.optimizer;
    TrainerConfig t;
    t.batch = int(c.train.batch);
    t.micro_batch = int(micro_batch);
    t.context = int(c.train.context);
    t.dropout = c.train.dropout;
    if (c.stage == Stage::sft) t.noise = c.sft.neftune_alpha;
    t.seed = uint64_t(c.train.seed);
    t.loss = {c.loss.label_smoothing, c.loss.z_loss};
    t.schedule = {.decay = decay_named(o.schedule),
                  .lr = o.lr,
                  .min_lr = o.min_lr,
                  .warmup = in_steps(o.warmup, c.train.steps),
                  .steps = c.train.steps,
                  .cooldown = in_steps(o.cooldown, c.train.steps)};
    t.optimizer = {.kind = optimizer_named(o.kind),
                   .beta1 = o.beta1,
                   .beta2 = o.beta2,
                   .eps = o.eps,
                   .weight_decay = o.weight_decay,
                   .eps_form = o.eps_form == "tensorflow" ? EpsForm::tensorflow : EpsForm::torch,
                   .momentum = o.momentum,
                   .clip = o.clip,
                   .stochastic_rounding = o.stochastic_rounding,
                   .sharded = o.sharded,
                   .seed = uint64_t(c.train.seed),
                   .average = o.average};
    t.stability = {c.stability.sigma, int(c.stability.window), int(c.stability.in_a_row), c.stability.rate_factor};
    return t;
}

}  // namespace gradus
