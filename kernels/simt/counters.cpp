#include "kernels/simt/counters.h"

#include <algorithm>
#include <map>

#include "kernels/simt/counting_sites.h"
#include "kernels/simt/counting_state.h"
#include "kernels/simt/device_memory.h"
#include "kernels/simt/machine.h"
#include "kernels/simt/settings.h"
#include "kernels/simt/stream.h"
#include "kernels/simt/warp_access.h"

namespace gradus::emulator {

namespace {

using simt::AccessCounts;
using simt::LaunchCounts;
using simt::Space;

std::string short_name(const void* kernel) {
    static std::map<const void*, std::string> known;
    std::string& name = known[kernel];
    if (!name.empty()) return name;
    name = function_name(kernel);
    for (const std::string part : {"gradus::counted::", "gradus::simt::", "gradus::", "(anonymous namespace)::"})
        for (size_t at; (at = name.find(part)) != name.npos;) name.erase(at, part.size());
    return name;
}

// Bytes of these sectors, scaled from a share of the blocks to all of them; of an allocation at most what it has, because many
// blocks read the same bytes.
double footprint(const Sectors& sectors, double share) {
    struct Touched {
        double allocated = 0, bytes = 0;
    };
    std::map<const void*, Touched> allocations;
    for (const uint64_t sector : sectors) {
        const auto [memory, bytes] = allocation_of(reinterpret_cast<const void*>(sector * sector_bytes));
        allocations[memory].allocated = double(bytes);
        allocations[memory].bytes += sector_bytes;
    }
    double sum = 0;
    for (const auto& [memory, t] : allocations) sum += std::min(std::max(t.allocated, t.bytes), t.bytes / share);
    return sum;
}

double& field(LaunchCounts& r, Counted what) {
    switch (what) {
        case Counted::mma: return r.mma;
        case Counted::wgmma: return r.wgmma;
        case Counted::ldmatrix: return r.ldmatrix;
        case Counted::shuffle: return r.shuffles;
        case Counted::vote: return r.votes;
        case Counted::atomic: return r.atomics;
        case Counted::barrier: return r.barriers;
        case Counted::special: return r.special;
        case Counted::mma_flops: return r.mma_flops;
        case Counted::tf32_flops: return r.tf32_flops;
        case Counted::wgmma_flops: return r.wgmma_flops;
    }
    return r.special;
}

// One line may have several sites: an unrolled loop, or a template with several arguments.
std::vector<AccessCounts> accesses_of(const LaunchTotals& launch) {
    std::vector<int> sites;
    for (size_t i = 0; i < launch.at.size(); ++i)
        if (launch.at[i][0].instructions + launch.at[i][1].instructions > 0) sites.push_back(int(i));
    const std::vector<std::string> places = places_of(sites);
    std::vector<AccessCounts> result;
    for (size_t i = 0; i < sites.size(); ++i)
        for (const Space space : {Space::global, Space::shared}) {
            const Totals& t = launch.at[size_t(sites[i])][size_t(space)];
            if (t.instructions == 0) continue;
            const AccessCounts at = {.place = places[i].empty() ? launch.result.kernel : places[i],
                                     .space = space,
                                     .write = site_at(sites[i]).write};
            auto found = std::find_if(result.begin(), result.end(), [&](const AccessCounts& a) {
                return a.place == at.place && a.space == space && a.write == at.write;
            });
            if (found == result.end()) found = result.insert(found, at);
            found->instructions += t.instructions / launch.share;
            found->bytes += t.bytes / launch.share;
            found->transactions += t.transactions / launch.share;
            found->ideal += t.ideal / launch.share;
        }
    std::sort(result.begin(), result.end(), [](const AccessCounts& a, const AccessCounts& b) {
        return a.place != b.place ? a.place < b.place : a.write < b.write;
    });
    return result;
}

LaunchCounts result_of(const LaunchTotals& launch) {
    LaunchCounts r = launch.result;
    if (r.library_flops > 0) return r;
    r.accesses = accesses_of(launch);
    r.read_sectors = launch.block_read / launch.share;
    r.written_sectors = launch.block_written / launch.share;
    r.copied = launch.copied / launch.share;
    for (int i = 0; i < counters; ++i) field(r, Counted(i)) = launch.count[size_t(i)] / launch.share;
    const unsigned warps_of_block = (r.block.x * r.block.y * r.block.z + 31) / 32;
    const double warps = warps_of_block * launch.share * r.blocks;
    r.bytes_in_flight =
        std::max(launch.loaded > 0 ? launch.loaded_in_flight / launch.loaded : 0, launch.most_in_flight / warps);
    return r;
}

}  // namespace

uint64_t count_launch(const LaunchCall& launch, uint64_t blocks) {
    CountingState& s = counting_state();
    counting = s.on;
    if (!s.on) return blocks;
    const uint64_t run = s.options.blocks ? std::min<uint64_t>(blocks, uint64_t(s.options.blocks)) : blocks;
    s.running = LaunchTotals();
    s.running.share = double(run) / double(blocks);
    s.running.result.kernel = short_name(launch.kernel);
    s.running.result.grid = launch.grid;
    s.running.result.block = launch.block;
    s.running.result.blocks = double(blocks);
    return run;
}

void count_launch_end() {
    if (!counting) return;
    counting = false;
    CountingState& s = counting_state();
    // While the allocations still exist.
    s.running.result.footprint_read = footprint(s.running.read, s.running.share);
    s.running.result.footprint_written = footprint(s.running.written, s.running.share);
    s.running.read.clear();
    s.running.written.clear();
    s.done.push_back(std::move(s.running));
}

bool count_library_matmul(int64_t M, int64_t N, int64_t K, bool f32, size_t read, size_t written) {
    CountingState& s = counting_state();
    if (!s.on) return true;
    LaunchTotals launch;
    launch.result.kernel = "library matmul";
    launch.result.grid = dim3(unsigned(M), unsigned(N), unsigned(K));
    launch.result.library_flops = 2.0 * double(M) * double(N) * double(K);
    launch.result.library_f32 = f32;
    launch.result.footprint_read = double(read);
    launch.result.footprint_written = double(written);
    s.done.push_back(std::move(launch));
    return s.options.run_matmuls;
}

}  // namespace gradus::emulator

namespace gradus::simt {

double LaunchCounts::transactions(Space space, bool ideal) const {
    double sum = 0;
    for (const AccessCounts& a : accesses)
        if (a.space == space) sum += ideal ? a.ideal : a.transactions;
    return sum;
}

void start_counting(const CountingOptions& options) {
    emulator::counting_state() = {};
    emulator::counting_state().on = true;
    emulator::counting_state().options = options;
}

std::vector<LaunchCounts> stop_counting() {
    emulator::synchronise_all();
    emulator::CountingState& s = emulator::counting_state();
    s.on = false;
    std::vector<LaunchCounts> results;
    for (const emulator::LaunchTotals& launch : s.done) results.push_back(emulator::result_of(launch));
    s.done.clear();
    return results;
}

}  // namespace gradus::simt
