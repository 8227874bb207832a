// mbarriers and the bulk loads that complete their transactions.
#include <cstring>
#include <map>

#include "kernels/simt/block.h"
#include "kernels/simt/copies.h"
#include "kernels/simt/counting.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/settings.h"
#include "kernels/simt/tensor_map.h"

namespace gradus::emulator {

namespace {

struct Load {
    Transfer transfer;
    Location location;
};

struct MBarrier {
    unsigned count = 0, pending = 0;  // arrivals per phase; arrivals still missing in the current phase
    int64_t bytes = 0;                // expected and not copied yet; negative if a copy precedes its expect_tx
    unsigned phase = 0;
    std::vector<Thread*> waiting;
    std::vector<Load> loads;  // in flight
    char tokens[4] = {};      // ThreadSanitizer tokens of the phases, in turn
};

constexpr unsigned max_arrivals = (1u << 20) - 1;
constexpr int64_t max_bytes = (1 << 20) - 1;

void end_phase_when_complete(MBarrier& barrier) {
    if (barrier.pending != 0 || barrier.bytes != 0) return;
    ++barrier.phase;
    barrier.pending = barrier.count;
    for (Thread* waiting : barrier.waiting) wake(*waiting);
    barrier.waiting.clear();
    note_progress();
}

void complete_load(Block& block, MBarrier& barrier, const Transfer& load) {
    asan_unpoison(load.shared, load.bytes);
    for (const Segment& s : load.segments) {
        if (s.global) std::memcpy(s.shared, s.global, s.bytes);
        else std::memset(s.shared, 0, s.bytes);
    }
    block.shared.written_async(load.shared, load.bytes);
    barrier.bytes -= int64_t(load.bytes);
    if (counting) count_bulk_in_flight(block, -int64_t(load.bytes));
    end_phase_when_complete(barrier);
}

}  // namespace

struct BarrierSet {
    std::map<void*, MBarrier> all;
};

namespace {

MBarrier& find_barrier(const char* op, void* address, Location at) {
    Block& block = *self(op, at).on;
    record_read(address, 8);  // a race unless mbarrier_init is ordered before
    const TsanIgnore ignore;
    if (block.mbarriers) {
        const auto found = block.mbarriers->all.find(address);
        if (found != block.mbarriers->all.end()) return found->second;
    }
    fault(std::string(op) + ": this mbarrier was not initialised", at);
}

void expect(MBarrier& barrier, unsigned bytes, Location at) {
    barrier.bytes += bytes;
    if (barrier.bytes > max_bytes)
        fault("mbarrier.expect_tx: " + std::to_string(barrier.bytes) + " bytes in one phase; at most 1048575", at);
}

void arrive(MBarrier& barrier, Location at) {
    if (barrier.pending == 0)
        fault("mbarrier.arrive: more than " + std::to_string(barrier.count) + " arrivals in one phase", at);
    --barrier.pending;
    end_phase_when_complete(barrier);
}

}  // namespace

void mbarrier_init(void* address, unsigned count, Location at) {
    Block& block = *self("mbarrier.init", at).on;
    if (reinterpret_cast<uintptr_t>(address) % 8) fault("mbarrier.init: the address is not a multiple of 8", at);
    check_shared("mbarrier.init", address, 8, at);
    if (count < 1 || count > max_arrivals)
        fault("mbarrier.init: " + std::to_string(count) + " arrivals; 1 to 1048575 are possible", at);
    record_write(address, 8);
    const TsanIgnore ignore;
    if (!block.mbarriers) block.mbarriers = std::make_shared<BarrierSet>();
    MBarrier& barrier = block.mbarriers->all[address];
    if (!barrier.waiting.empty() || !barrier.loads.empty())
        fault("mbarrier.init: threads wait for this barrier, or copies are in flight to it", at);
    barrier = MBarrier();
    barrier.count = barrier.pending = count;
}

void mbarrier_arrive(void* address, Location at) {
    MBarrier& barrier = find_barrier("mbarrier.arrive", address, at);
    release(&barrier.tokens[barrier.phase % 4]);
    const TsanIgnore ignore;
    arrive(barrier, at);
}

void mbarrier_arrive_and_expect(void* address, unsigned bytes, Location at) {
    MBarrier& barrier = find_barrier("mbarrier.arrive.expect_tx", address, at);
    release(&barrier.tokens[barrier.phase % 4]);
    const TsanIgnore ignore;
    expect(barrier, bytes, at);
    arrive(barrier, at);
}

void mbarrier_wait(void* address, unsigned parity, Location at) {
    MBarrier& barrier = find_barrier("mbarrier.try_wait", address, at);
    while (barrier.phase % 2 == parity % 2) {
        const TsanIgnore ignore;
        barrier.waiting.push_back(&self("mbarrier.try_wait", at));
        suspend("mbarrier.try_wait", at);
    }
    acquire(&barrier.tokens[(barrier.phase - 1) % 4]);
}

namespace {

void start_load(const char* op, Transfer transfer, MBarrier& barrier, Location at) {
    // For the sanitizers, the issuing thread copies now, and a wait for the phase acquires it.
    transfer.each_run([](const void* global, size_t bytes) { record_read(global, bytes); });
    record_write(transfer.shared, transfer.bytes);
    release(&barrier.tokens[barrier.phase % 4]);
    const TsanIgnore ignore;
    Block& block = *self(op, at).on;
    if (counting) {
        transfer.each_run([&](const void* global, size_t bytes) { count_bulk(global, bytes, false, at); });
        count_bulk_in_flight(block, int64_t(transfer.bytes));
    }
    if (simt::settings().copies == simt::Copies::early) return complete_load(block, barrier, transfer);
    asan_poison(transfer.shared, transfer.bytes);
    barrier.loads.push_back({std::move(transfer), at});
}

}  // namespace

void bulk_load(void* shared, const void* global, unsigned bytes, void* address, Location at) {
    const char* const op = "cp.async.bulk.shared";
    MBarrier& barrier = find_barrier(op, address, at);
    if (reinterpret_cast<uintptr_t>(shared) % 16 || reinterpret_cast<uintptr_t>(global) % 16)
        fault("cp.async.bulk.shared: an address is not a multiple of 16", at);
    if (bytes % 16) fault("cp.async.bulk: " + std::to_string(bytes) + " bytes is not a multiple of 16", at);
    check_shared(op, shared, bytes, at);
    Transfer transfer;
    {
        const TsanIgnore ignore;
        transfer = plain_transfer(shared, const_cast<void*>(global), bytes);
    }
    start_load(op, std::move(transfer), barrier, at);
}

void tensor_load(void* shared, const TensorMap& map, const int* at, int rank, void* address, Location location) {
    const char* const op = "cp.async.bulk.tensor.shared";
    MBarrier& barrier = find_barrier(op, address, location);
    Transfer transfer;
    {
        const TsanIgnore ignore;
        transfer = box_transfer(op, map, at, rank, shared, location);
    }
    start_load(op, std::move(transfer), barrier, location);
}

bool complete_one_load(const std::vector<std::unique_ptr<Block>>& blocks, uint64_t choice) {
    size_t in_flight = 0;
    for (const auto& block : blocks)
        if (block->mbarriers)
            for (const auto& [address, barrier] : block->mbarriers->all) in_flight += barrier.loads.size();
    if (in_flight == 0) return false;
    size_t chosen = choice % in_flight;
    for (const auto& block : blocks) {
        if (!block->mbarriers) continue;
        for (auto& [address, barrier] : block->mbarriers->all) {
            if (chosen >= barrier.loads.size()) {
                chosen -= barrier.loads.size();
                continue;
            }
            const Transfer load = std::move(barrier.loads[chosen].transfer);
            barrier.loads.erase(barrier.loads.begin() + std::ptrdiff_t(chosen));
            complete_load(*block, barrier, load);
            return true;
        }
    }
    return false;
}

void check_nothing_in_flight(Block& block) {
    if (!block.mbarriers) return;
    for (const auto& [address, barrier] : block.mbarriers->all)
        for (const Load& load : barrier.loads)
            fault("all threads of a block have exited while a bulk load still writes its shared memory", load.location);
}

}  // namespace gradus::emulator
