#pragma once
// The learning rate as a pure function of the step, without state.
//
//   warm-up     lr · (step + 1) / warmup                           for step < warmup
//   constant    lr
//   cosine      min + ½(lr − min)(1 + cos(π·x))                    x = (step + 1 − warmup) / (steps − warmup)
//   linear      lr + (min − lr)·x
//   wsd         lr until the last `cooldown` steps, then linear to min (warm-up, stable, decay)
//
// Steps count from 0. The last step of the warm-up has exactly lr and the last step of a run exactly min; between them
// every step is lower than the one before. (PyTorch's schedulers evaluate x at `step` instead of step + 1 and reach min
// one step after the last.) Sources: Loshchilov, Hutter 2017 (cosine); Hu et al. 2024 (WSD).
#include <cstdint>
#include <string>

#include "engine/settings/optimizer.h"
#include "engine/settings/train.h"

namespace gradus {

enum class Decay { constant, cosine, linear, wsd };
Decay decay_named(const std::string&);  // as optimizer.schedule names it

struct Schedule {
    Decay decay = decay_named(OptimizerSettings{}.schedule);
    double lr = OptimizerSettings{}.lr, min_lr = OptimizerSettings{}.min_lr;
    int64_t warmup = 0, steps = TrainSettings{}.steps, cooldown = 0;
};

double learning_rate(const Schedule&, int64_t step);

}  // namespace gradus
