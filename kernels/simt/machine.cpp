#include "kernels/simt/machine.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <numeric>

#include "kernels/simt/block.h"
#include "kernels/simt/copies.h"
#include "kernels/simt/counting.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/register_pool.h"
#include "kernels/simt/report.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/settings.h"
#include "kernels/simt/warpgroup.h"

namespace gradus::emulator {

namespace {

// xorshift64*
struct Random {
    uint64_t state = 1;
    uint64_t below(uint64_t n) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return (state * 0x2545F4914F6CDD1Du >> 32) * n >> 32;
    }
};

// A ring buffer of runnable threads, taken in order or at random.
class Ready {
public:
    void reserve(size_t threads) {
        size_t size = 64;
        while (size < threads) size *= 2;
        ring_.assign(size, nullptr);
        first_ = count_ = 0;
    }
    void add(Thread* thread) { ring_[(first_ + count_++) & (ring_.size() - 1)] = thread; }
    bool empty() const { return count_ == 0; }
    Thread* take(bool shuffled, Random& random) {
        const size_t mask = ring_.size() - 1;
        if (shuffled) std::swap(ring_[first_ & mask], ring_[(first_ + random.below(count_)) & mask]);
        --count_;
        return ring_[first_++ & mask];
    }

private:
    std::vector<Thread*> ring_;
    size_t first_ = 0, count_ = 0;
};

// The order of blocks: in order, or with a random start and a random stride coprime to the number of blocks.
class BlockOrder {
public:
    BlockOrder(dim3 grid, bool shuffled, Random& random)
        : grid_(grid), count_(uint64_t(grid.x) * grid.y * grid.z), next_(0), step_(1), left_(count_) {
        if (!shuffled || count_ < 3) return;
        next_ = random.below(count_);
        do step_ = 1 + random.below(count_ - 1);
        while (std::gcd(step_, count_) != 1);
    }
    uint64_t count() const { return count_; }
    bool done() const { return left_ == 0; }
    // Only so many blocks: one of each of as many equal parts of the grid, at places within them that are as different as possible, because
    // the work of blocks may have any period.
    void sample(uint64_t blocks) {
        if (blocks < count_) left_ = parts_ = blocks;
    }
    uint3 take() {
        const uint64_t i = parts_ ? place_in_part(parts_ - left_) : next_;
        next_ = (next_ + step_) % count_;
        --left_;
        return {unsigned(i % grid_.x), unsigned(i / grid_.x % grid_.y), unsigned(i / grid_.x / grid_.y)};
    }

private:
    dim3 grid_;
    uint64_t count_, next_, step_, left_, parts_ = 0;

    // The sequence of van der Corput in base 3: the digits of the part's number, mirrored at the point.
    uint64_t place_in_part(uint64_t part) const {
        double place = 0, digit = 1;
        for (uint64_t n = part + 1; n > 0; n /= 3) place += double(n % 3) * (digit /= 3);
        return std::min(count_ - 1, uint64_t((double(part) + place) / double(parts_) * double(count_)));
    }
};

struct Machine {
    const LaunchCall* launch = nullptr;
    Ready ready;
    Random random;
    bool shuffled = false;
    Fiber host;  // of run_launch()
    Fiber* running = &host;
    FiberPool* fibers = nullptr;  // of the launch's stream
    std::vector<std::unique_ptr<Block>> resident;
    bool block_ended = false;
    std::exception_ptr failure;
    uint64_t spins = 0;  // yields of spinning threads since the last progress
};

Machine machine;

Thread& current_thread() { return *static_cast<Thread*>(current); }

// Switches to `next`, or to the host if null. Returns when the caller's fiber is resumed.
void switch_to(Thread* next) {
    Fiber* from = machine.running;
    current = next;
    if (next && !next->fiber) next->fiber = machine.fibers->take();
    Fiber* to = next ? next->fiber : &machine.host;
    if (to == from) return;
    machine.running = to;
    switch_fiber(*from, *to);
}

Thread* next_ready() {
    // Ended blocks and failures are handled on the host.
    if (machine.block_ended || machine.failure || machine.ready.empty()) return nullptr;
    return machine.ready.take(machine.shuffled, machine.random);
}

void run_current_thread() {
    Thread& thread = current_thread();
    acquire(&machine.fibers->started);
    try {
        machine.launch->call();
        const TsanIgnore ignore;
        finish_copies(thread);
        check_wgmmas_done(thread);
        leave_registers(thread);
        thread.state = ThreadState::exited;
        if (--thread.on->live == 0) machine.block_ended = true;
        leave_collectives(thread);
        leave_barriers(thread);
        note_progress();
    } catch (...) {
        const TsanIgnore ignore;
        machine.failure = std::current_exception();
    }
    release(&machine.fibers->ended);
}

void start_block(Block& block, uint3 index) {
    const dim3 size = machine.launch->block;
    block.index = index;
    block.threads = block.live = int(size.x * size.y * size.z);
    block.votes = block.voters = 0;
    block.shared.start(machine.launch->shared_bytes);
    block.mbarriers.reset();
    block.wgmmas.reset();
    block.registers.reset();
    block.tokens.clear();
    block.counts.reset();
    for (const Team team : {Team::warp, Team::warpgroup}) {
        auto& team_state = team == Team::warp ? block.warp : block.warpgroup;
        team_state.assign(size_t(block.threads + size_of(team) - 1) / size_t(size_of(team)), TeamState());
        if (const int last = block.threads % size_of(team)) team_state.back().absent = all_of(team) << size_t(last);
    }
    for (BlockBarrier& barrier : block.barrier) barrier = BlockBarrier();
    block.thread.assign(size_t(block.threads), Thread());
    uint3 at{};
    for (int rank = 0; rank < block.threads; ++rank) {
        Thread& thread = block.thread[size_t(rank)];
        thread.thread = at;
        thread.block = index;
        thread.on = &block;
        thread.rank = rank;
        thread.lane = rank % warp_size;
        // ThreadSanitizer orders a new fiber after its creator: here the stream, and no other thread.
        if (under_tsan()) thread.fiber = machine.fibers->take();
        machine.ready.add(&thread);
        if (++at.x == size.x) at.x = 0, ++at.y;
        if (at.y == size.y) at.y = 0, ++at.z;
    }
}

void discard(Block& block) {
    for (Thread& thread : block.thread)
        if (thread.fiber) machine.fibers->destroy(thread.fiber);
    block.thread.clear();
}

// Cleans up after a launch that has ended or failed.
struct LaunchCleanup {
    ~LaunchCleanup() {
        for (auto& block : machine.resident) discard(*block);
        machine.resident.clear();
        acquire(&machine.fibers->ended);
        machine.fibers->launch_ended();
        machine.failure = nullptr;
        machine.launch = nullptr;
        counting = false;
        machine.running = &machine.host;
        current = nullptr;
    }
};

void run_blocks(BlockOrder& order, size_t max_resident) {
    while (true) {
        while (machine.resident.size() < max_resident && !order.done()) {
            machine.resident.push_back(std::make_unique<Block>());
            start_block(*machine.resident.back(), order.take());
        }
        Thread* next = next_ready();
        if (next) {
            switch_to(next);
        } else if (!complete_one_load(machine.resident, machine.random.below(1u << 30))) {
            deadlock(machine.resident);
        }
        if (machine.failure) std::rethrow_exception(machine.failure);
        if (!machine.block_ended) continue;
        machine.block_ended = false;
        for (size_t i = 0; i < machine.resident.size();) {
            auto& block = machine.resident[i];
            if (block->live) {
                ++i;
                continue;
            }
            check_nothing_in_flight(*block);
            count_block_end(*block);
            discard(*block);
            // A new Block, because ThreadSanitizer's tokens are addresses, whose history ends when they are freed.
            if (under_tsan()) block = std::make_unique<Block>();
            if (!order.done()) {
                start_block(*block, order.take());
            } else {
                std::swap(block, machine.resident.back());
                machine.resident.pop_back();
            }
        }
        if (machine.resident.empty() && order.done()) return;
    }
}

}  // namespace

void run_threads() {
    fiber_entered();
    while (true) {
        run_current_thread();
        Fiber* mine = machine.running;
        Thread* next = next_ready();
        current_thread().fiber = nullptr;
        if (next && !next->fiber) {  // a new thread starts on this stack
            next->fiber = mine;
            current = next;
        } else {
            const TsanIgnore ignore;
            machine.fibers->give(mine);
            switch_to(next);
        }
    }
}

const LaunchCall* running_launch() { return machine.launch; }

Thread& self(const char* op, Location at) {
    if (!current) fault(std::string(op) + " outside a kernel", at);
    return current_thread();
}

void suspend(const char* op, Location at) {
    Thread& thread = current_thread();
    thread.state = ThreadState::waiting;
    thread.op = op;
    thread.location = at;
    switch_to(next_ready());
}

void wake(Thread& thread) {
    thread.state = ThreadState::ready;
    machine.ready.add(&thread);
}

void note_progress() { machine.spins = 0; }

void yield(const char* op, Location at) {
    constexpr uint64_t limit = uint64_t(1) << 22;
    Thread& thread = current_thread();
    thread.op = op;
    thread.location = at;
    if (++machine.spins > limit && !complete_one_load(machine.resident, machine.random.below(1u << 30))) {
        const std::string rest = thread_list(machine.resident);
        fault("a thread spins in " + std::string(op) +
                  " and no other thread makes progress (blocks that are not resident start only when a resident one "
                  "ends)\n" +
                  rest,
              at);
    }
    if (machine.ready.empty()) return;
    machine.ready.add(&thread);
    switch_to(next_ready());
}

void check_launch(const LaunchCall& launch) {
    const auto refuse = [&](const std::string& what) {
        fault("cannot launch " + function_name(launch.kernel) + ": " + what, launch.location);
    };
    const auto text = [](dim3 d) {
        return "(" + std::to_string(d.x) + ", " + std::to_string(d.y) + ", " + std::to_string(d.z) + ")";
    };
    const dim3 g = launch.grid, b = launch.block;
    if (!g.x || !g.y || !g.z) refuse("the grid " + text(g) + " has no blocks");
    if (g.x > 0x7fffffffu || g.y > 65535 || g.z > 65535)
        refuse("the grid " + text(g) + " is over the limits (2147483647, 65535, 65535)");
    if (!b.x || !b.y || !b.z) refuse("the block " + text(b) + " has no threads");
    if (b.x > 1024 || b.y > 1024 || b.z > 64 || uint64_t(b.x) * b.y * b.z > 1024)
        refuse("the block " + text(b) + " is over the limits: 1024 threads, and (1024, 1024, 64)");
    if (launch.shared_bytes > shared_limit)
        refuse(std::to_string(launch.shared_bytes) + " bytes of dynamic shared memory; a block has at most 232448");
}

void run_launch(const LaunchCall& launch, FiberPool& fibers) {
    release(&fibers.started);
    const TsanIgnore ignore;
    machine.fibers = &fibers;
    const simt::Settings settings = simt::settings();
    static uint64_t launches = 0;
    machine.random.state = (settings.seed + 1) * 0x9E3779B97F4A7C15u + ++launches * 0xD1B54A32D192ED03u;
    machine.random.state |= 1;
    machine.shuffled = settings.seed != 0;
    machine.launch = &launch;
    machine.block_ended = false;
    machine.spins = 0;
    grid_dim = launch.grid;
    block_dim = launch.block;
    adopt_host_stack(machine.host);
    BlockOrder order(launch.grid, machine.shuffled, machine.random);
    order.sample(count_launch(launch, order.count()));
    const auto max_resident = size_t(std::min<uint64_t>(uint64_t(settings.resident), order.count()));
    machine.ready.reserve(max_resident * launch.block.x * launch.block.y * launch.block.z);
    const LaunchCleanup ending;
    run_blocks(order, max_resident);
    count_launch_end();
}

}  // namespace gradus::emulator
