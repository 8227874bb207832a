// Resolves the schedule: durations become numbers of steps, which must fit into the run.
#include <fmt/format.h>

#include <cmath>

#include "engine/resolve/resolving.h"

namespace gradus {

int64_t in_steps(double duration, int64_t steps) {
    return int64_t(std::llround(duration < 1 ? duration * double(steps) : duration));
}

namespace {

void require_durations(const Resolving& r) {
    for (const auto& [key, duration] :
         {std::pair{"optimizer.warmup", r.c.optimizer.warmup}, {"optimizer.cooldown", r.c.optimizer.cooldown}})
        if (duration >= 1 && duration != std::floor(duration))
            r.refuse("a duration is neither a number of steps nor a share of all steps", {key},
                     "write a whole number, or a share below 1");
}

void require_cooldown_of_wsd(const Resolving& r) {
    const bool wsd = r.c.optimizer.schedule == "wsd";
    if (wsd && r.c.optimizer.cooldown == 0)
        r.refuse("the schedule wsd has no cool-down", {"optimizer.schedule", "optimizer.cooldown"},
                 "--set optimizer.cooldown=0.2");
    if (!wsd && r.c.optimizer.cooldown > 0)
        r.refuse("only the schedule wsd has a cool-down", {"optimizer.cooldown", "optimizer.schedule"},
                 "--set optimizer.schedule=wsd, or leave out optimizer.cooldown");
}

void require_durations_fit(const Resolving& r) {
    const OptimizerSettings& o = r.c.optimizer;
    const bool wsd = o.schedule == "wsd";
    if (r.in_steps(o.warmup) + (wsd ? r.in_steps(o.cooldown) : 0) <= r.c.train.steps) return;
    if (wsd)
        r.refuse("warm-up and cool-down are longer than the run",
                 {"optimizer.warmup", "optimizer.cooldown", "train.steps"},
                 "--set optimizer.warmup=0.02 --set optimizer.cooldown=0.2");
    r.refuse("the warm-up is longer than the run", {"optimizer.warmup", "train.steps"}, "--set optimizer.warmup=0.02");
}

}  // namespace

void check_schedule(Resolving& r) {
    const OptimizerSettings& o = r.c.optimizer;
    if (o.min_lr > o.lr && o.schedule != "constant")
        r.refuse("the lowest learning rate is above the highest", {"optimizer.min_lr", "optimizer.lr"},
                 fmt::format("--set optimizer.min_lr={:g}", o.lr / 10));
    require_durations(r);
    require_cooldown_of_wsd(r);
    require_durations_fit(r);
    for (const auto& [key, duration] : {std::pair{"optimizer.warmup", o.warmup}, {"optimizer.cooldown", o.cooldown}})
        if (duration > 0 && r.in_steps(duration) == 0)
            r.notes.push_back(fmt::format("{} = {} of {} steps is less than half a step, so there is none", key,
                                          duration, r.c.train.steps));
}

}  // namespace gradus
