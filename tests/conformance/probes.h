#pragma once
// What the emulator claims to know of a GPU, in small kernels: each uses one wrapper or one of CUDA's own words on random
// data and writes down what came out. probes.cu is compiled for both; main_cuda.cpp compares a GPU's results with the
// emulator's, main_simt.cpp the emulator's with its own under other orders.
#include <cstdint>
#include <span>

#include "kernels/tensor.h"

namespace gradus {

constexpr int probe_threads = 128;       // one block of four warps
constexpr int probe_words = 16 << 10;    // of input: random 32-bit words
constexpr int probe_results = 16 << 10;  // floats or words, 0 where a probe leaves them

constexpr uint32_t no_code = 0x7fc0dead;

struct Probe {
    const char* name;
    void (*run)(const uint32_t* words, uint32_t* results, Stream);  // in device memory
    double tolerance = 0;                                           // relative, of results as floats; 0: the same bits
    int capability = 80;                                            // of the GPU, at least
    bool only_there = false;  // that card's own code (sm_90a): a build without it leaves no_code as the first result
};

namespace simt {
std::span<const Probe> probes();
}
namespace cuda {
std::span<const Probe> probes();
}

}  // namespace gradus
