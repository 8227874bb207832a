#pragma once
// A model of a kernel's time on a GPU, from what the kernel asks for: counted by the emulator, or given by a formula. It says what
// limits a kernel, and about by how much; only a measurement says how long it takes. docs/bench/model.md compares it with published
// figures.
//
//   on the SMs   tensor cores, special functions (16 per clock and SM), issue (4 warp instructions), shared memory and L1 (a
//                wavefront of 128 bytes). The largest of these, and a share `serial` of the others: no kernel overlaps them fully. Multiplied
//                by the imbalance of blocks over SMs, plus `fill` per block of a tensor kernel, where its pipeline starts and ends.
//   memory       the largest of DRAM (the launch's footprint), L2 (each block's) and the latency: what the resident warps have in flight
//                arrives once per latency.
//   the launch   max(on the SMs, memory) + `launch`: loads are prefetched
#include <string>
#include <utility>
#include <vector>

#include "tools/bench/model/card.h"

namespace gradus {

struct KernelWork {
    double blocks = 1;
    int threads = 128;        // of a block
    double shared_bytes = 0;  // of a block
    int registers = 0;        // of a thread; 0: unknown, and no limit
    double mma_flops = 0, tf32_flops = 0, wgmma_flops = 0;
    double special = 0;       // of threads
    double instructions = 0;  // of warps
    double wavefronts = 0;    // of shared memory and L1
    double l2_bytes = 0, dram_bytes = 0;
    double bytes_in_flight = 0;  // of a warp; 0: enough
    double library_flops = 0;    // a matmul of the library instead of the above
    double library_rate = 1;     // of bf16: 1/2 in tf32, 1/16 in f32 without tensor cores
    double m = 0, n = 0, k = 0;  // of that matmul
};

struct ModelConstants {  // fitted to the rows marked so in docs/bench/model.md
    double serial = 0.36;
    double fill_us = 2.6;
    double dram_share = 0.88;  // of a copy's rate, for kernels that also compute
    double launch_us = 1.5;
};

struct TimeEstimate {
    double seconds = 0;
    std::string limit;                                  // the largest term
    std::vector<std::pair<std::string, double>> terms;  // seconds of each alone
    int blocks_per_sm = 0;
    double occupancy = 0;  // warps of the blocks on an SM over those it can have
};

TimeEstimate estimated_time(const KernelWork&, const Card&, const ModelConstants& = {});

// The blocks that fit on an SM, limited by threads, registers and shared memory.
int resident_blocks(const KernelWork&, const Card&);

}  // namespace gradus
