#include "tools/bench/model/counted_work.h"

#include <algorithm>
#include <cmath>

#include "kernels/choices.h"

namespace gradus {

namespace {

constexpr double sector = 32, sectors_per_wavefront = 4, bytes_per_element = 3;  // between bf16 and f32

}  // namespace

double instructions_of(const simt::LaunchCounts& c) {
    double accesses = 0, global_bytes = 0;
    for (const simt::AccessCounts& a : c.accesses) {
        accesses += a.instructions;
        if (a.space == simt::Space::global) global_bytes += a.bytes;
    }
    return 2 * accesses + 4 * global_bytes / bytes_per_element / 32 + 2 * (c.shuffles + c.special / 32) + c.votes +
           c.atomics + c.barriers + c.mma + c.wgmma;
}

KernelWork work_of(const simt::LaunchCounts& c, const Card& card, const Registers& registers) {
    KernelWork w;
    w.dram_bytes = c.footprint_read + c.footprint_written;
    if (c.library_flops > 0) {
        w.library_flops = c.library_flops;
        if (c.library_f32) w.library_rate = kernel_choices().tf32 ? 1. / 2 : 1. / 16;
        w.m = c.grid.x, w.n = c.grid.y, w.k = c.grid.z;
        return w;
    }
    w.blocks = c.blocks;
    w.threads = int(c.block.x * c.block.y * c.block.z);
    w.shared_bytes = double(c.shared_bytes);
    if (const auto found = registers.find(c.kernel); found != registers.end()) w.registers = found->second;
    w.mma_flops = c.mma_flops;
    w.tf32_flops = c.tf32_flops;
    w.wgmma_flops = c.wgmma_flops;
    w.special = c.special;
    w.instructions = instructions_of(c);
    w.bytes_in_flight = c.bytes_in_flight;
    double reads = 0, writes = 0;
    for (const simt::AccessCounts& a : c.accesses) {
        const bool global = a.space == simt::Space::global;
        w.wavefronts += global ? std::max(a.instructions, a.transactions / sectors_per_wavefront) : a.transactions;
        if (global) (a.write ? writes : reads) += a.transactions;
    }
    // A block's second read of a sector hits L1 if the resident blocks' sectors fit there.
    const int resident = resident_blocks(w, card);
    const double l1 = (card.shared_kib * 1024 - resident * w.shared_bytes) / resident;
    const bool fits = c.read_sectors * sector / c.blocks <= l1;
    w.l2_bytes =
        sector * ((fits ? c.read_sectors : std::max(reads, c.read_sectors)) + std::max(writes, c.written_sectors));
    return w;
}

}  // namespace gradus
