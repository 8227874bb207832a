#include "kernels/simt/register_pool.h"

#include <algorithm>
#include <string>

#include "kernels/simt/block.h"
#include "kernels/simt/collective.h"
#include "kernels/simt/fault.h"

namespace gradus::emulator {

namespace {

constexpr unsigned of_an_sm = 65536, unit = 8, fewest = 24, most_of_a_thread = 256;
constexpr int threads_of_a_group = size_of(Team::warpgroup);

}  // namespace

RegisterPool::RegisterPool(int threads_of_block)
    : groups_(size_t((threads_of_block + threads_of_a_group - 1) / threads_of_a_group)),
      most_(std::min(most_of_a_thread, of_an_sm / unsigned(threads_of_block) / unit * unit)) {}

unsigned RegisterPool::at_entry() const {
    unsigned largest = 0;
    for (const Group& g : groups_) largest = std::max(largest, g.count);
    return std::min(most_, largest);
}

void RegisterPool::ask(int warpgroup, Ask kind, unsigned count, Place at) {
    if (count < fewest || count > most_of_a_thread || count % unit)
        fault("setmaxnreg: " + std::to_string(count) + " is not a multiple of 8 from 24 to 256", at);
    Group& g = groups_[size_t(warpgroup)];
    g.count = count;
    g.kind = kind;
    g.place = at;
    if (kind == Ask::lower && count > most_)
        fault("setmaxnreg: registers_lower to " + std::to_string(count) + ", and the block enters with " +
                  std::to_string(most_) + " for each thread at most: there is nothing to give back",
              at);
    check();
}

void RegisterPool::leave(int warpgroup) {
    groups_[size_t(warpgroup)].left = true;
    check();
}

void RegisterPool::check() const {
    const unsigned entry = at_entry();
    unsigned sum = 0;
    const Group* largest = nullptr;
    for (const Group& g : groups_) {
        sum += g.count ? g.count : g.left ? entry : fewest;
        if (!g.count || g.kind == Ask::lower) continue;
        if (!largest || g.count > largest->count) largest = &g;
        if (g.count < entry)
            fault("setmaxnreg: registers_raise to " + std::to_string(g.count) + ", and the block enters with " +
                      std::to_string(entry) + " for each thread",
                  g.place);
    }
    if (!largest || sum <= most_ * groups_.size()) return;
    fault("setmaxnreg: the block's warpgroups then have " + std::to_string(sum * unsigned(threads_of_a_group)) +
              " registers, and it enters with " + std::to_string(most_ * groups_.size() * size_t(threads_of_a_group)) +
              " (" + std::to_string(most_) + " for each thread): this waits for ever",
          largest->place);
}

void warpgroup_registers(Ask kind, unsigned count, Place at) {
    struct Operands {
        Ask kind;
        unsigned count;
    } operands{kind, count};
    meet(
        "setmaxnreg", Team::warpgroup, all_of(Team::warpgroup), &operands,
        [](const Lanes& lanes) {
            const Thread& thread = self("setmaxnreg", {});
            const auto& first = lanes.of<Operands>(0);
            for (int t = 1; t < threads_of_a_group; ++t)
                if (lanes.of<Operands>(t).count != first.count || lanes.of<Operands>(t).kind != first.kind)
                    lanes.fault_at(t, "setmaxnreg: threads of one warpgroup ask for different numbers");
            Block& block = *thread.on;
            if (!block.registers) {
                block.registers = std::make_shared<RegisterPool>(block.threads);
                for (const Thread& other : block.thread)
                    if (other.state == ThreadState::exited) block.registers->leave(other.rank / threads_of_a_group);
            }
            block.registers->ask(thread.rank / threads_of_a_group, first.kind, first.count, thread.place);
        },
        at);
}

void leave_registers(Thread& thread) {
    if (thread.on->registers) thread.on->registers->leave(thread.rank / threads_of_a_group);
}

}  // namespace gradus::emulator
