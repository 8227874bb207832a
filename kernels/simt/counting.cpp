#include "kernels/simt/counting.h"

#include <algorithm>
#include <cstring>

#include "kernels/simt/block.h"
#include "kernels/simt/counting_sites.h"
#include "kernels/simt/counting_state.h"
#include "kernels/simt/device_memory.h"
#include "kernels/simt/warp_access.h"

namespace gradus::emulator {

namespace {

using simt::Space;

// nvcc unrolls a loop of independent loads four times.
constexpr unsigned loads_unrolled = 4;

// The accesses of a warp at a site since its last collective or barrier.
struct OpenAccesses {
    std::array<unsigned, 32> next{};  // of each lane
    std::vector<WarpAccess> access;
    bool shared = false;
    bool touched = false;
};

struct WarpCounts {
    std::vector<OpenAccesses> at;  // by site
    std::vector<int> touched;
    uint32_t lanes = 0;
};

}  // namespace

struct BlockCounts {
    std::vector<WarpCounts> warps;
    Sectors read, written;
    std::vector<size_t> copies;  // bytes of cp.async: the most that each thread had in flight
    int64_t bulk_in_flight = 0, most_bulk = 0;
};

namespace {

BlockCounts& counts_of(Block& block) {
    if (!block.counts) {
        block.counts = std::make_shared<BlockCounts>();
        block.counts->warps.resize(size_t(block.threads + warp_size - 1) / warp_size);
        for (auto& warp : block.counts->warps) warp.lanes = ~0u;
        if (const int last = block.threads % warp_size) block.counts->warps.back().lanes = (1u << last) - 1;
    }
    return *block.counts;
}

void add(Totals& totals, const Transactions& t) {
    ++totals.instructions;
    totals.bytes += t.bytes;
    totals.transactions += t.count;
    totals.ideal += t.ideal;
}

Totals& totals_at(int site, Space space) {
    auto& all = counting_state().running.at;
    if (all.size() <= size_t(site)) all.resize(size_t(site) + 1);
    return all[size_t(site)][size_t(space)];
}

void touch(BlockCounts& block, const uint64_t* sectors, int count, bool write) {
    LaunchTotals& running = counting_state().running;
    for (int i = 0; i < count; ++i)
        if ((write ? block.written : block.read).insert(sectors[i]).second)
            (write ? running.written : running.read).insert(sectors[i]);
}

void close(BlockCounts& block, int site, bool shared, WarpAccess& access) {
    if (!access.mask) return;
    if (shared) {
        add(totals_at(site, Space::shared), wavefronts_of(access));
    } else {
        uint64_t sectors[64];
        const Transactions t = sectors_of(access, sectors);
        add(totals_at(site, Space::global), t);
        touch(block, sectors, t.count, site_at(site).write);
    }
    access.mask = 0;
}

// Closes what the warp's lanes have in common since the last time.
void close_all(BlockCounts& block, WarpCounts& warp) {
    LaunchTotals& running = counting_state().running;
    double loaded = 0, in_flight = 0;
    for (const int site : warp.touched) {
        OpenAccesses& open = warp.at[size_t(site)];
        if (!open.shared && !site_at(site).write && !open.access.empty()) {
            const double each = 32.0 * open.access.front().bytes, times = double(open.access.size());
            loaded += each * times;
            in_flight += each * std::min<double>(loads_unrolled, times);
        }
        for (WarpAccess& access : open.access) close(block, site, open.shared, access);
        open.access.clear();
        open.next.fill(0);
        open.touched = false;
    }
    warp.touched.clear();
    running.loaded += loaded;
    running.loaded_in_flight += loaded * in_flight;
}

void count_at(int site, const void* address, size_t bytes) {
    Thread& thread = self("an access", {});
    const auto first = reinterpret_cast<uintptr_t>(address);
    if (first - reinterpret_cast<uintptr_t>(thread.fiber->stack) < thread.fiber->bytes) return;
    BlockCounts& block = counts_of(*thread.on);
    const bool shared = thread.on->shared.contains(address, bytes);
    if (!shared && allocation_of(address).bytes == 0) return;
    WarpCounts& warp = block.warps[size_t(thread.rank / warp_size)];
    if (warp.at.size() <= size_t(site)) warp.at.resize(size_t(site) + 1);
    OpenAccesses& open = warp.at[size_t(site)];
    if (!open.touched) {
        open.touched = true;
        open.shared = shared;
        warp.touched.push_back(site);
    }
    const unsigned k = open.next[size_t(thread.lane)]++;
    if (open.access.size() <= k) open.access.resize(k + 1);
    WarpAccess& access = open.access[k];
    access.mask |= 1u << thread.lane;
    access.bytes = uint32_t(bytes);
    access.address[thread.lane] = shared ? thread.on->shared.address_of(address) : uint64_t(first);
    if (access.mask == warp.lanes) close(block, site, shared, access);
}

// Compilers copy larger structures in one piece; a GPU moves at most 16 bytes.
template <class Key>
void count_pieces(Key key, const void* address, size_t bytes, bool write) {
    const int site = site_of(key, write);
    for (size_t at = 0; at < bytes; at += 16)
        count_at(site, static_cast<const char*>(address) + at, std::min<size_t>(16, bytes - at));
}

}  // namespace

void count_access(const void* site, const void* address, size_t bytes, bool write) {
    if (current) count_pieces(site, address, bytes, write);
}

void count_access(Location site, const void* address, size_t bytes, bool write) {
    count_pieces(site, address, bytes, write);
}

void count_and_load(void* to, const void* address, Location at) {
    count_access(at, address, 16, false);
    std::memcpy(to, address, 16);
}

void count_and_store(void* address, const void* from, Location at) {
    count_access(at, address, 16, true);
    std::memcpy(address, from, 16);
}

void count_copy(const void* shared, const void* global, int bytes, Location at) {
    count_access(at, shared, bytes, true);
    if (!global) return;
    count_access(at, global, bytes, false);
    counting_state().running.copied += bytes;
}

void count_bulk(const void* global, size_t bytes, bool write, Location at) {
    Thread& thread = self("a bulk copy", at);
    const auto first = reinterpret_cast<uintptr_t>(global) / sector_bytes;
    const auto last = (reinterpret_cast<uintptr_t>(global) + bytes - 1) / sector_bytes;
    const int count = int(last - first) + 1;
    add(totals_at(site_of(at, write), Space::global),
        {count, int((bytes + sector_bytes - 1) / sector_bytes), int(bytes)});
    for (uint64_t sector = first; sector <= last; ++sector) touch(counts_of(*thread.on), &sector, 1, write);
    counting_state().running.copied += double(bytes);
}

void count_copies_in_flight(const Thread& thread, size_t bytes) {
    std::vector<size_t>& most = counts_of(*thread.on).copies;
    most.resize(size_t(thread.on->threads));
    most[size_t(thread.rank)] = std::max(most[size_t(thread.rank)], bytes);
}

void count_bulk_in_flight(Block& block, int64_t bytes) {
    BlockCounts& counts = counts_of(block);
    counts.bulk_in_flight += bytes;
    counts.most_bulk = std::max(counts.most_bulk, counts.bulk_in_flight);
}

void add_count(Counted what, double amount) { counting_state().running.count[size_t(what)] += amount; }

void count_together(Block& block, int warp) {
    if (block.counts) close_all(*block.counts, block.counts->warps[size_t(warp)]);
}

void count_together(Block& block) {
    if (!block.counts) return;
    for (WarpCounts& warp : block.counts->warps) close_all(*block.counts, warp);
}

void count_block_end(Block& block) {
    if (!counting) return;
    LaunchTotals& r = counting_state().running;
    r.result.shared_bytes = std::max(r.result.shared_bytes, block.shared.bytes());
    if (!block.counts) return;
    count_together(block);
    r.block_read += double(block.counts->read.size());
    r.block_written += double(block.counts->written.size());
    r.most_in_flight += double(block.counts->most_bulk);
    for (const size_t bytes : block.counts->copies) r.most_in_flight += double(bytes);
    block.counts = nullptr;
}

}  // namespace gradus::emulator
