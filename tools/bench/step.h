#pragma once
// gradus bench step: times full training steps on random tokens, on one rank or on the ranks started by mpirun.
#include <string>
#include <vector>

#include "tools/bench/settings.h"
#include "tools/device.h"

namespace gradus {

struct StepBench {
    std::string model = benched_model;
    int batch = 4, context = 64, steps = 10, tp = 1;  // batch: of all ranks together
    ComputeOptions compute;
    bool recompute = false, json = false;
    std::vector<std::string> set;  // settings of a recipe, which override the options
};
void bench_step(const StepBench&);

}  // namespace gradus
