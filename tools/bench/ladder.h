#pragma once
// `gradus bench ladder`: every rung of the ladders (kernels/ladder.h) at one shape per family.
#include <string>

namespace gradus {

struct LadderBench {
    std::string family;           // empty: all
    std::string device = "simt";  // simt: counted and modelled; cuda: measured
    std::string card = "h200";
    int blocks = 16;
    std::string registers;
    bool json = false;
};

void bench_ladder(const LadderBench&);

}  // namespace gradus
