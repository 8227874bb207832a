#pragma once
// The table that a test program compares with the truth, and the configurations in which it must give the same bits: the number
// of threads, the order in which they run, how early a copy is done. Each program links one file that says which table it is: tested_cpu.cpp, simt/tested_simt.cpp, cuda/tested_cuda.cpp.
#include <functional>
#include <string>
#include <vector>

#include "kernels/ops.h"

namespace gradus::test {

struct Configuration {
    std::string name;
    std::function<void()> enter;
};

struct Tested {
    const Ops& device;                          // the table itself: its tensors are in its own memory
    const Ops& ops;                             // the same for tensors of the host (hosted.h)
    std::vector<Configuration> configurations;  // the first is the default
    bool slow;                                  // a sanitizer watches: fewer and smaller shapes, but every op
};

const Tested& tested();

// In one of the configurations, for as long as this lives.
struct InConfiguration {
    explicit InConfiguration(const Configuration& configuration) { configuration.enter(); }
    ~InConfiguration() { tested().configurations.front().enter(); }
    InConfiguration(const InConfiguration&) = delete;
    InConfiguration& operator=(const InConfiguration&) = delete;
};

}  // namespace gradus::test
