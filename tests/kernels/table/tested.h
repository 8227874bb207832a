#pragma once
// The backend that a test program compares with the reference, and the configurations that must give the same bits: number of
// threads, order of threads, early and late copies. Each program links one file that selects the backend: tested_cpu.cpp,
// simt/tested_simt.cpp or cuda/tested_cuda.cpp.
#include <functional>
#include <string>
#include <vector>

#include "kernels/choices.h"
#include "kernels/ops.h"

namespace gradus::test {

struct Configuration {
    std::string name;
    std::function<void()> enter;
};

struct Tested {
    const Ops& device;                          // the backend itself, for tensors in device memory
    const Ops& ops;                             // the same for tensors in host memory (hosted.h)
    std::vector<Configuration> configurations;  // the first is the default
    bool slow;                                  // under a sanitizer: fewer and smaller shapes, but every op
    std::vector<MatmulKernel> matmuls = {MatmulKernel::library};  // those that the backend has
};

const Tested& tested();

// Selects a configuration while this exists.
struct InConfiguration {
    explicit InConfiguration(const Configuration& configuration) { configuration.enter(); }
    ~InConfiguration() { tested().configurations.front().enter(); }
    InConfiguration(const InConfiguration&) = delete;
    InConfiguration& operator=(const InConfiguration&) = delete;
};

// Selects a matmul while this exists.
struct WithMatmul {
    explicit WithMatmul(MatmulKernel kernel) : before(kernel_choices().matmul) { kernel_choices().matmul = kernel; }
    ~WithMatmul() { kernel_choices().matmul = before; }
    WithMatmul(const WithMatmul&) = delete;
    WithMatmul& operator=(const WithMatmul&) = delete;
    MatmulKernel before;
};

}  // namespace gradus::test
