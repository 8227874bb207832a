#pragma once
// The table that a program of tests holds against the truth, and the ways in which a run of it can differ although the
// result may not: how many threads compute it, in which order they come, how early a copy is done. Each program links one
// file that says which table it is: tested_cpu.cpp, simt/tested_simt.cpp, cuda/tested_cuda.cpp.
#include <functional>
#include <string>
#include <vector>

#include "kernels/ops.h"

namespace gradus::test {

struct Way {
    std::string name;
    std::function<void()> enter;
};

struct Tested {
    const Ops& device;      // the table itself: its tensors are in its own memory
    const Ops& ops;         // the same for tensors of the host (hosted.h)
    std::vector<Way> ways;  // the first is the usual one
    bool slow;              // a sanitizer watches: fewer and smaller shapes, but every op
};

const Tested& tested();

// In one of the ways, for as long as this lives.
struct Entered {
    explicit Entered(const Way& way) { way.enter(); }
    ~Entered() { tested().ways.front().enter(); }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;
};

}  // namespace gradus::test
