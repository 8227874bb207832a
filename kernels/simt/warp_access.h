#pragma once
// What one access of a warp costs a GPU's memory system.
//
//   global memory   moves in sectors of 32 bytes. Ideal: as many sectors as the distinct bytes fill.
//   shared memory   has 32 banks of 4 bytes: word w is in bank w % 32. In a wavefront each bank delivers one word, to any number of
//                   lanes. An access of 8 bytes per lane is processed in two phases, of half a warp each; one of 16 bytes in four.
//                   Ideal: as many wavefronts per phase as its distinct words fill. What goes beyond are bank conflicts.
//
// Source: CUDA C++ Programming Guide, "Compute Capability 5.x: Shared Memory", and Nsight Compute, "Memory Tables". That phases
// of 8 and 16 bytes are as described is measured by others; no document of NVIDIA says so.
#include <cstdint>

namespace gradus::emulator {

constexpr int sector_bytes = 32, banks = 32, bank_bytes = 4;

struct WarpAccess {
    uint32_t mask = 0;   // the lanes that take part
    uint32_t bytes = 0;  // of each lane
    uint64_t address[32];
};

struct Transactions {
    int count = 0, ideal = 0;
    int bytes = 0;  // distinct bytes
};

// Also writes the numbers of the distinct sectors (address / 32) to `sectors`, which has room for 64, if the lanes access at most
// 32 bytes each.
Transactions sectors_of(const WarpAccess&, uint64_t* sectors);

Transactions wavefronts_of(const WarpAccess&);

}  // namespace gradus::emulator
