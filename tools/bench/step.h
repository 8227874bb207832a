#pragma once
// gradus bench step: times full training steps on random tokens, on one rank or on the ranks started by mpirun.
#include <string>
#include <vector>

namespace gradus {

struct StepBench {
    std::string model = "gpt2-124m", dtype = "f32", device = "cpu";
    int batch = 4, context = 64, steps = 10, threads = 0, tp = 1;  // batch: of all ranks together
    bool recompute = false, json = false;
    std::vector<std::string> set;  // settings of a recipe, which override the options
};
void bench_step(const StepBench&);

}  // namespace gradus
