#include "kernels/simt/register_pool.h"

#include <algorithm>
#include <string>

#include "kernels/simt/block.h"
#include "kernels/simt/collective.h"
#include "kernels/simt/fault.h"

namespace gradus::emulator {

namespace {

constexpr unsigned registers_per_sm = 65536, granularity = 8, min_per_thread = 24, max_per_thread = 256;
constexpr int threads_per_group = size_of(Team::warpgroup);

}  // namespace

RegisterPool::RegisterPool(int threads_of_block)
    : groups_(size_t((threads_of_block + threads_per_group - 1) / threads_per_group)),
      max_at_start_(
          std::min(max_per_thread, registers_per_sm / unsigned(threads_of_block) / granularity * granularity)) {}

unsigned RegisterPool::at_start() const {
    unsigned largest = 0;
    for (const Group& g : groups_) largest = std::max(largest, g.count);
    return std::min(max_at_start_, largest);
}

void RegisterPool::request(int warpgroup, RegisterRequest kind, unsigned count, Location at) {
    if (count < min_per_thread || count > max_per_thread || count % granularity)
        fault("setmaxnreg: " + std::to_string(count) + " is not a multiple of 8 from 24 to 256", at);
    Group& g = groups_[size_t(warpgroup)];
    g.count = count;
    g.kind = kind;
    g.location = at;
    if (kind == RegisterRequest::lower && count > max_at_start_)
        fault("setmaxnreg: registers_lower to " + std::to_string(count) + ", but the block starts with at most " +
                  std::to_string(max_at_start_) + " per thread: there is nothing to give back",
              at);
    check();
}

void RegisterPool::leave(int warpgroup) {
    groups_[size_t(warpgroup)].left = true;
    check();
}

void RegisterPool::check() const {
    const unsigned entry = at_start();
    unsigned sum = 0;
    const Group* largest = nullptr;
    for (const Group& g : groups_) {
        sum += g.count ? g.count : g.left ? entry : min_per_thread;
        if (!g.count || g.kind == RegisterRequest::lower) continue;
        if (!largest || g.count > largest->count) largest = &g;
        if (g.count < entry)
            fault("setmaxnreg: registers_raise to " + std::to_string(g.count) + ", but the block starts with " +
                      std::to_string(entry) + " per thread",
                  g.location);
    }
    if (!largest || sum <= max_at_start_ * groups_.size()) return;
    fault("setmaxnreg: the block's warpgroups request " + std::to_string(sum * unsigned(threads_per_group)) +
              " registers together, but the block has " +
              std::to_string(max_at_start_ * groups_.size() * size_t(threads_per_group)) + " (" +
              std::to_string(max_at_start_) + " per thread): this waits forever",
          largest->location);
}

void warpgroup_registers(RegisterRequest kind, unsigned count, Location at) {
    struct Operands {
        RegisterRequest kind;
        unsigned count;
    } operands{kind, count};
    rendezvous(
        "setmaxnreg", Team::warpgroup, all_of(Team::warpgroup), &operands,
        [](const Lanes& lanes) {
            const Thread& thread = self("setmaxnreg", {});
            const auto& first = lanes.of<Operands>(0);
            for (int t = 1; t < threads_per_group; ++t)
                if (lanes.of<Operands>(t).count != first.count || lanes.of<Operands>(t).kind != first.kind)
                    lanes.fault_at(t, "setmaxnreg: threads of one warpgroup request different counts");
            Block& block = *thread.on;
            if (!block.registers) {
                block.registers = std::make_shared<RegisterPool>(block.threads);
                for (const Thread& other : block.thread)
                    if (other.state == ThreadState::exited) block.registers->leave(other.rank / threads_per_group);
            }
            block.registers->request(thread.rank / threads_per_group, first.kind, first.count, thread.location);
        },
        at);
}

void leave_registers(Thread& thread) {
    if (thread.on->registers) thread.on->registers->leave(thread.rank / threads_per_group);
}

}  // namespace gradus::emulator
