#pragma once
// Probes: small kernels that each apply one wrapper or one of CUDA's built-ins to random data and store the results. probes.cu
// is compiled for both; main_cuda.cpp compares a GPU's results with the emulator's, main_simt.cpp the emulator's results in
// several orders of execution.
#include <cstdint>
#include <span>

#include "kernels/tensor.h"

namespace gradus {

constexpr int probe_threads = 128;       // one block of four warps
constexpr int probe_words = 16 << 10;    // of input: random 32-bit words
constexpr int probe_results = 16 << 10;  // floats or words, 0 if not written

constexpr uint32_t no_code = 0x7fc0dead;

struct Probe {
    const char* name;
    void (*run)(const uint32_t* words, uint32_t* results, Stream);  // in device memory
    double tolerance = 0;                                           // relative, of results as floats; 0: the same bits
    int capability = 80;                                            // minimum
    bool only_there = false;  // needs code for exactly that capability (sm_90a); without it the first result is no_code
};

namespace simt {
std::span<const Probe> probes();
}
namespace cuda {
std::span<const Probe> probes();
}

}  // namespace gradus
