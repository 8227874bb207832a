// mbarriers and the bulk loads that complete their transactions.
#include <cstring>
#include <map>

#include "kernels/simt/block.h"
#include "kernels/simt/copies.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/settings.h"

namespace gradus::emulator {

namespace {

struct Load {
    void* to;
    const void* from;
    size_t bytes;
    Place place;
};

struct MBarrier {
    unsigned count = 0, pending = 0;  // arrivals of a phase; those still to come in this one
    int64_t bytes = 0;  // announced and not copied yet; below zero while a copy is ahead of its announcement
    unsigned phase = 0;
    std::vector<Thread*> waiting;
    std::vector<Load> loads;  // in flight
    char tokens[4] = {};      // of the phases in turn
};

constexpr unsigned most_arrivals = (1u << 20) - 1;
constexpr int64_t most_bytes = (1 << 20) - 1;

void end_phase_when_complete(MBarrier& barrier) {
    if (barrier.pending != 0 || barrier.bytes != 0) return;
    ++barrier.phase;
    barrier.pending = barrier.count;
    for (Thread* waiting : barrier.waiting) wake(*waiting);
    barrier.waiting.clear();
    progress();
}

void land(Block& block, MBarrier& barrier, const Load& load) {
    allow(load.to, load.bytes);
    std::memcpy(load.to, load.from, load.bytes);
    block.shared.written_async(load.to, load.bytes);
    barrier.bytes -= int64_t(load.bytes);
    end_phase_when_complete(barrier);
}

}  // namespace

struct BarrierSet {
    std::map<void*, MBarrier> all;
};

namespace {

MBarrier& known(const char* word, void* address, Place at) {
    Block& block = *self(word, at).on;
    reads(address, 8);  // whoever uses it must know that it was made
    const Hidden hidden;
    if (block.mbarriers) {
        const auto found = block.mbarriers->all.find(address);
        if (found != block.mbarriers->all.end()) return found->second;
    }
    fault(std::string(word) + ": this mbarrier was not initialised", at);
}

void expect(MBarrier& barrier, unsigned bytes, Place at) {
    barrier.bytes += bytes;
    if (barrier.bytes > most_bytes)
        fault("mbarrier.expect_tx: " + std::to_string(barrier.bytes) + " bytes in one phase; at most 1048575", at);
}

void arrive(MBarrier& barrier, Place at) {
    if (barrier.pending == 0)
        fault("mbarrier.arrive: more than " + std::to_string(barrier.count) + " arrivals in one phase", at);
    --barrier.pending;
    end_phase_when_complete(barrier);
}

}  // namespace

void mbarrier_init(void* address, unsigned count, Place at) {
    Block& block = *self("mbarrier.init", at).on;
    if (reinterpret_cast<uintptr_t>(address) % 8) fault("mbarrier.init: the address is not a multiple of 8", at);
    check_shared("mbarrier.init", address, 8, at);
    if (count < 1 || count > most_arrivals)
        fault("mbarrier.init: " + std::to_string(count) + " arrivals; 1 to 1048575 are possible", at);
    writes(address, 8);
    const Hidden hidden;
    if (!block.mbarriers) block.mbarriers = std::make_shared<BarrierSet>();
    MBarrier& barrier = block.mbarriers->all[address];
    if (!barrier.waiting.empty() || !barrier.loads.empty())
        fault("mbarrier.init: threads wait for this barrier, or copies are in flight to it", at);
    barrier = MBarrier();
    barrier.count = barrier.pending = count;
}

void mbarrier_arrive(void* address, Place at) {
    MBarrier& barrier = known("mbarrier.arrive", address, at);
    release(&barrier.tokens[barrier.phase % 4]);
    const Hidden hidden;
    arrive(barrier, at);
}

void mbarrier_arrive_and_expect(void* address, unsigned bytes, Place at) {
    MBarrier& barrier = known("mbarrier.arrive.expect_tx", address, at);
    release(&barrier.tokens[barrier.phase % 4]);
    const Hidden hidden;
    expect(barrier, bytes, at);
    arrive(barrier, at);
}

void mbarrier_wait(void* address, unsigned parity, Place at) {
    MBarrier& barrier = known("mbarrier.try_wait", address, at);
    while (barrier.phase % 2 == parity % 2) {
        const Hidden hidden;
        barrier.waiting.push_back(&self("mbarrier.try_wait", at));
        wait_in("mbarrier.try_wait", at);
    }
    acquire(&barrier.tokens[(barrier.phase - 1) % 4]);
}

void bulk_load(void* shared, const void* global, unsigned bytes, void* address, Place at) {
    MBarrier& barrier = known("cp.async.bulk.shared", address, at);
    if (reinterpret_cast<uintptr_t>(shared) % 16 || reinterpret_cast<uintptr_t>(global) % 16)
        fault("cp.async.bulk.shared: an address is not a multiple of 16", at);
    if (bytes % 16) fault("cp.async.bulk: " + std::to_string(bytes) + " bytes is not a multiple of 16", at);
    check_shared("cp.async.bulk.shared", shared, bytes, at);
    // For the sanitizers the thread does it now; those who wait for the phase know of it.
    reads(global, bytes);
    writes(shared, bytes);
    release(&barrier.tokens[barrier.phase % 4]);
    const Hidden hidden;
    const Load load{shared, global, bytes, at};
    if (simt::settings().copies == simt::Copies::early)
        return land(*self("cp.async.bulk.shared", at).on, barrier, load);
    forbid(shared, bytes);
    barrier.loads.push_back(load);
}

bool complete_a_copy(const std::vector<std::unique_ptr<Block>>& blocks, uint64_t choice) {
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
            const Load load = barrier.loads[chosen];
            barrier.loads.erase(barrier.loads.begin() + std::ptrdiff_t(chosen));
            land(*block, barrier, load);
            return true;
        }
    }
    return false;
}

void check_nothing_in_flight(Block& block) {
    if (!block.mbarriers) return;
    for (const auto& [address, barrier] : block.mbarriers->all)
        for (const Load& load : barrier.loads)
            fault("all threads of a block have exited while a bulk load still writes its shared memory", load.place);
}

}  // namespace gradus::emulator
