#pragma once
// Counts of what a kernel asks of a GPU: sectors of global memory, wavefronts of shared memory, matrix instructions, shuffles,
// special functions. They do not depend on the machine that runs the emulator, and docs/simt.md says how they are taken.
//
//   simt::start_counting({.blocks = 16});
//   counted_ops().layernorm_forward(args, stream);
//   for (const simt::LaunchCounts& launch : simt::stop_counting()) …
//
// Only the kernels of counted_ops() and counted_ladder() tell of their ordinary loads and stores: they are compiled for it.
#include <string>
#include <vector>

#include "kernels/ladder.h"
#include "kernels/simt/dimensions.h"

namespace gradus::simt {

struct CountingOptions {
    // Runs only so many blocks of each launch, spread over the grid, and scales the counts: real shapes in seconds. The results of the
    // kernels are then meaningless. 0: all blocks.
    int blocks = 0;
    bool run_matmuls = true;  // false: library matmuls are noted and not computed
};

enum class Space { global, shared };

// The accesses of one line of source.
struct AccessCounts {
    std::string place;  // "kernels/cuda/layernorm.cu:31", or the kernel's name where the program has no line numbers
    Space space = Space::global;
    bool write = false;
    double instructions = 0;  // of warps
    double bytes = 0;         // distinct bytes, summed over the instructions
    double transactions = 0;  // sectors of global memory, wavefronts of shared memory
    double ideal = 0;         // the fewest for these bytes: bank conflicts are transactions - ideal
};

// A launch of a kernel, or a matmul of the library.
struct LaunchCounts {
    std::string kernel;  // "layernorm_forward_kernel<float>"
    dim3 grid, block;
    size_t shared_bytes = 0;  // of a block, static and dynamic
    double blocks = 0;        // of the grid; the counts are of all of them
    std::vector<AccessCounts> accesses;

    double read_sectors = 0,
           written_sectors = 0;  // distinct within a block, summed over the blocks: what L2 delivers and takes
    double footprint_read = 0,
           footprint_written = 0;  // bytes of distinct sectors in the launch: the least that DRAM delivers
    double copied = 0;             // bytes of cp.async and of bulk copies
    double bytes_in_flight = 0;    // of a warp: what it has requested before it waits (an estimate, docs/simt.md)
    double mma_flops = 0, tf32_flops = 0, wgmma_flops = 0;
    double mma = 0, wgmma = 0, ldmatrix = 0, shuffles = 0, votes = 0, atomics = 0,
           barriers = 0;  // instructions of warps
    double special = 0;   // exp, log, tanh, square roots, …: of threads
    double library_flops =
        0;  // of a library matmul, a launch of its own: its grid is (M, N, K), its bytes are the footprint
    bool library_f32 = false;  // its operands are f32, not bf16

    double transactions(Space, bool ideal = false) const;
    double bank_conflicts() const { return transactions(Space::shared) - transactions(Space::shared, true); }
};

// From now on every launch is counted.
void start_counting(const CountingOptions& = {});
// Waits for the queued work; returns the launches since start_counting() in the order in which they ran.
std::vector<LaunchCounts> stop_counting();

}  // namespace gradus::simt

namespace gradus {

// The table and the ladders of the emulator, compiled so that counting sees every access. Error: a build with a sanitizer, which
// needs the same hooks.
const Ops& counted_ops();
const std::vector<Rung>& counted_ladder();

}  // namespace gradus
