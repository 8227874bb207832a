#pragma once
// gradus bench step: whole training steps on random tokens, on one rank or on those that mpirun started.
#include <string>
#include <vector>

namespace gradus {

struct StepBench {
    std::string model = "gpt2-124m", dtype = "f32", device = "cpu";
    int batch = 4, context = 64, steps = 10, threads = 0, tp = 1;  // batch: of all ranks together
    bool recompute = false, json = false;
    std::vector<std::string> set;  // settings of a recipe, over the options
};
void bench_step(const StepBench&);

}  // namespace gradus
